#include "shm/rates.h"

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

/* The cell of a name, or the one that it takes: the first whose moment has passed, else the one whose moment is nearest. NULL: another
 * worker took that at the same time. */
static struct rate_cell *cell_of(struct rate_table *table, uint64_t name, int64_t now_ns) {
    struct rate_cell *set = table->cells + name % (RATE_CELLS / RATE_PLACES) * RATE_PLACES, *chosen = NULL;
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
        if (atomic_load(&cell->name) == name) return answer;
        atomic_fetch_sub(&cell->moment, limit.interval_ns * cost);
    }
    return gcra_ask(limit, 0, now_ns, cost);
}
