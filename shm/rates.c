#include "shm/rates.h"

#include <stdlib.h>

/* How often a place may be lost to a quicker worker before this one goes by with nothing counted; each loss is another's progress. */
enum { TRIES_MAX = 64 };

/* FNV-1a over the parts and their lengths, then the finish of SplitMix64: each bit of the name hangs on each of the parts. */
uint64_t rate_cell_name(const struct str *parts, size_t n) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < parts[i].n; k++) h = (h ^ (uint8_t)parts[i].p[k]) * UINT64_C(0x100000001b3);
        h = (h ^ (0x100 + parts[i].n)) * UINT64_C(0x100000001b3);
    }
    h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
    h ^= h >> 31;
    return h != 0 ? h : 1;
}

static struct rate_cell *places_of(struct rate_table *table, uint64_t name) {
    return table->cells + name % (RATE_CELLS / RATE_PLACES) * RATE_PLACES;
}

static struct rate_own *own_of(struct rate_table *table, const struct rate_cell *cell) { return &table->own[cell - table->cells]; }

static struct rate_cell *find(struct rate_table *table, uint64_t name) {
    struct rate_cell *set = places_of(table, name);
    for (size_t i = 0; i < RATE_PLACES; i++) {
        if (atomic_load(&set[i].name) == name) return &set[i];
    }
    return NULL;
}

/* The cell of a name, or the one that it takes: the first whose moment has passed, else the one whose moment is nearest. NULL: another
 * worker took that at the same time. */
static struct rate_cell *cell_of(struct rate_table *table, uint64_t name, int64_t now_ns) {
    struct rate_cell *set = places_of(table, name), *chosen = NULL;
    uint_fast64_t former = 0;
    int_fast64_t earliest = 0;
    for (size_t i = 0; i < RATE_PLACES; i++) {
        uint_fast64_t there = atomic_load(&set[i].name);
        if (there == name) return &set[i];
        if (chosen != NULL && earliest <= now_ns) continue;
        int_fast64_t moment = there == 0 ? 0 : atomic_load(&set[i].moment);
        if (chosen != NULL && moment >= earliest) continue;
        chosen = &set[i];
        former = there;
        earliest = moment;
    }
    if (!atomic_compare_exchange_strong(&chosen->name, &former, name)) return NULL;
    atomic_store(&own_of(table, chosen)->used_ns, 0); /* of the former name: passed, or displaced */
    if (earliest > now_ns) {
        atomic_compare_exchange_strong(&chosen->moment, &earliest, 0); /* where it fails, somebody has asked by the new name already */
        atomic_fetch_add_explicit(&table->displaced, 1, memory_order_relaxed);
    }
    return chosen;
}

struct gcra_answer rate_take(struct rate_table *table, uint64_t name, struct gcra limit, int64_t now_ns, int64_t cost) {
    struct gcra_answer answer = {0};
    for (int try = 0; try < TRIES_MAX; try++) {
        struct rate_cell *cell = cell_of(table, name, now_ns);
        if (cell == NULL) continue;
        int_fast64_t moment = atomic_load(&cell->moment);
        answer = gcra_ask(limit, moment, now_ns, cost);
        if (!answer.passes) return answer;
        if (!atomic_compare_exchange_strong(&cell->moment, &moment, answer.moment)) continue;
        if (atomic_load(&cell->name) != name) {
            atomic_fetch_sub(&cell->moment, limit.interval_ns * cost);
            continue;
        }
        struct rate_own *own = own_of(table, cell);
        atomic_store_explicit(&own->whole_ns, gcra_whole_ns(limit), memory_order_relaxed);
        atomic_fetch_add_explicit(&own->used_ns, limit.interval_ns * cost, memory_order_relaxed);
        return answer;
    }
    return gcra_ask(limit, 0, now_ns, cost);
}

/* A name that has lost its place since has no debt. */
void rate_give_back(struct rate_table *table, uint64_t name, struct gcra limit, int64_t cost) {
    struct rate_cell *cell = find(table, name);
    if (cell == NULL) return;
    atomic_fetch_sub(&cell->moment, limit.interval_ns * cost);
    atomic_fetch_sub_explicit(&own_of(table, cell)->used_ns, limit.interval_ns * cost, memory_order_relaxed);
}

/* ---- between hosts ---- */

struct using { /* a place with something to tell */
    size_t at;
    int64_t used_ns, whole_ns;
};

/* The greatest part of its allowance first. */
static int by_part(const void *x, const void *y) {
    const struct using *a = x, *b = y;
    __int128 left = (__int128)a->used_ns * b->whole_ns, right = (__int128)b->used_ns * a->whole_ns;
    return left > right ? -1 : left < right;
}

/* What has come back is forgotten: nobody needs to hear of it. A use that comes meanwhile is not. */
static bool has_to_tell(struct rate_table *table, size_t at, int64_t now_ns) {
    struct rate_own *own = &table->own[at];
    int_fast64_t used_ns = atomic_load_explicit(&own->used_ns, memory_order_relaxed);
    if (used_ns <= 0) return false;
    if (atomic_load(&table->cells[at].moment) > now_ns) return atomic_load(&own->whole_ns) > 0;
    atomic_compare_exchange_strong(&own->used_ns, &used_ns, 0);
    return false;
}

size_t rates_tell(struct rate_table *table, struct arena *a, int64_t now_ns, size_t max, struct rate_share **out, size_t *left) {
    LIST(struct using) found = {0};
    size_t n = 0;
    for (size_t i = 0; i < RATE_CELLS; i++) {
        if (!has_to_tell(table, i, now_ns)) continue;
        *LIST_PUSH(a, &found) = (struct using){i, atomic_load(&table->own[i].used_ns), atomic_load(&table->own[i].whole_ns)};
    }
    if (found.n > max) qsort(found.items, found.n, sizeof *found.items, by_part);
    *left = found.n > max ? found.n - max : 0;
    *out = NEW_ARRAY(a, struct rate_share, found.n - *left);
    for (size_t i = 0; i < found.n - *left; i++) {
        struct rate_cell *cell = &table->cells[found.items[i].at];
        uint64_t name = atomic_load(&cell->name);
        int64_t used_ns = atomic_exchange(&table->own[found.items[i].at].used_ns, 0), owed_ns = atomic_load(&cell->moment) - now_ns;
        if (used_ns > owed_ns) used_ns = owed_ns;
        if (used_ns > 0 && name == atomic_load(&cell->name)) (*out)[n++] = (struct rate_share){name, used_ns, found.items[i].whole_ns};
    }
    return n;
}

bool rates_hear(struct rate_table *table, const struct rate_share *share, int64_t now_ns) {
    if (share->name == 0 || share->used_ns < 1 || share->whole_ns < 1 || share->whole_ns > GCRA_PERIOD_MS_MAX * 1000000) return false;
    bool alone =
        gcra_hear(0, now_ns, share->used_ns, share->whole_ns) > now_ns; /* else it counts beside what is owed here, or not at all */
    for (int try = 0; try < TRIES_MAX && (alone || find(table, share->name) != NULL); try++) {
        struct rate_cell *cell = cell_of(table, share->name, now_ns);
        if (cell == NULL) continue;
        int_fast64_t moment = atomic_load(&cell->moment), heard = gcra_hear(moment, now_ns, share->used_ns, share->whole_ns);
        if (!atomic_compare_exchange_strong(&cell->moment, &moment, heard)) continue;
        if (atomic_load(&cell->name) == share->name) break;
        atomic_fetch_sub(&cell->moment, heard - moment);
    }
    return true;
}
