/* service/front.c: what happens before BEGIN: repeats, the time check, the members (MECHANICS 2, front b and c). */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/inside.h"
#include "service/set.h"
#include "sql/members.h"

enum tried tried_of(enum db_result r) {
    switch (r) {
    case DB_OK: return TRIED_DONE;
    case DB_RETRY: return TRIED_AGAIN;
    case DB_BUSY: return TRIED_BUSY;
    case DB_GONE: return TRIED_LOST;
    case DB_UNKNOWN: return TRIED_UNKNOWN;
    default: return TRIED_FAULT;
    }
}

static struct item *item_of_identity(struct set *set, const struct identity_row *id, enum item_state state) {
    for (size_t i = 0; i < set->n; i++) {
        struct item *item = set->items[i];
        if (item->state == (int)state && item->tenant.id.v == id->tenant.v && memcmp(item->identity.b, id->identity.b, HASH16_BYTES) == 0) {
            return item;
        }
    }
    return NULL;
}

static enum db_result answer_repeats(struct set *set) {
    struct identity_row *wanted = NEW_ARRAY(set->a, struct identity_row, set->n), *found;
    size_t n = 0, n_found;
    for (size_t i = 0; i < set->n; i++) {
        if (set->items[i]->state != ITEM_NEW) continue;
        wanted[n++] = (struct identity_row){.tenant = set->items[i]->tenant.id, .identity = set->items[i]->identity};
    }
    enum db_result r = identities_find(set->s->db, set->a, wanted, n, &found, &n_found);
    if (r != DB_OK || n_found == 0) return r;
    struct item **items = NEW_ARRAY(set->a, struct item *, n_found);
    for (size_t i = 0; i < n_found; i++) {
        items[i] = item_of_identity(set, &found[i], ITEM_NEW);
        MUST(items[i] != NULL);
    }
    return repeats_answer(set, items, found, n_found);
}

enum problem event_time_check(struct arena *a, const struct program *p, const struct tenant_row *tenant, struct event *e,
                              struct str pointer, int64_t now_ms, struct faults *f) {
    if (!e->time_sent) {
        e->time_ms = now_ms;
        return P_OK;
    }
    int64_t bound = now_ms - p->window_ms;
    if (tenant->watermark_ms > bound) bound = tenant->watermark_ms;
    if (e->time_ms <= bound) {
        struct str since = time_text(a, bound);
        return fault_add(f, P_TOO_LATE, pointer_child(a, pointer, STR("time")), "events are accepted whose time is after " STR_FMT,
                         STR_ARG(since));
    }
    if (e->time_ms <= now_ms + EARLY_MS_MAX) return P_OK;
    struct str until = time_text(a, now_ms + EARLY_MS_MAX);
    return fault_add(f, P_TOO_EARLY, pointer_child(a, pointer, STR("time")), "events are accepted whose time is not after " STR_FMT,
                     STR_ARG(until));
}

static void check_time(struct set *set, struct item *item) {
    enum problem p = program_get(set->s, item->tenant.id, item->tenant.config_version, &item->program, &item->faults);
    if (p != P_OK) {
        item_done(item, p);
        return;
    }
    p = event_time_check(set->a, item->program, &item->tenant, &item->event, STR(""), set->now_ms, &item->faults);
    if (p != P_OK) item_done(item, p);
}

static int by_external_id(const void *x, const void *y) {
    const struct member_key_row *a = x, *b = y;
    if (a->tenant.v != b->tenant.v) return a->tenant.v < b->tenant.v ? -1 : 1;
    return str_cmp(a->external_id, b->external_id);
}

/* The set's members as (tenant, external id), sorted, each once. */
static size_t wanted_members(const struct set *set, struct member_key_row *rows) {
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < set->n; i++) {
        const struct item *item = set->items[i];
        if (item->state == ITEM_NEW) rows[n++] = (struct member_key_row){.tenant = item->tenant.id, .external_id = item->event.member};
    }
    qsort(rows, n, sizeof *rows, by_external_id);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || by_external_id(&rows[kept - 1], &rows[i]) != 0) rows[kept++] = rows[i];
    }
    return kept;
}

void member_key_make(struct member_key_row *row) {
    crypto_random(&row->member.v, sizeof row->member.v);
    row->member.v = (row->member.v >> 1) | 1; /* 1 … 2^63 − 1 */
    row->has_key = true;
    crypto_random(row->sealing_key, sizeof row->sealing_key);
}

/* Missing members are inserted in a transaction of their own, sorted; then read back: somebody may have been quicker. */
static enum db_result find_or_make(struct set *set, struct member_key_row *wanted, size_t n, struct member_key_row **out, size_t *n_out) {
    enum db_result r = member_keys_find(set->s->db, set->a, wanted, n, out, n_out);
    if (r != DB_OK || *n_out == n) return r;
    qsort(*out, *n_out, sizeof **out, by_external_id);
    struct member_key_row *missing = NEW_ARRAY(set->a, struct member_key_row, n);
    size_t n_missing = 0;
    for (size_t i = 0; i < n; i++) {
        if (bsearch(&wanted[i], *out, *n_out, sizeof **out, by_external_id) != NULL) continue;
        missing[n_missing] = wanted[i];
        member_key_make(&missing[n_missing++]);
    }
    r = member_keys_insert(set->s->db, set->a, missing, n_missing);
    return r == DB_OK ? member_keys_find(set->s->db, set->a, wanted, n, out, n_out) : r;
}

static enum db_result find_members(struct set *set) {
    struct member_key_row *wanted = NEW_ARRAY(set->a, struct member_key_row, set->n), *found;
    size_t n_found, n = wanted_members(set, wanted);
    if (n == 0) return DB_OK;
    enum db_result r = find_or_make(set, wanted, n, &found, &n_found);
    if (r != DB_OK) return r;
    qsort(found, n_found, sizeof *found, by_external_id);
    for (size_t i = 0; i < set->n; i++) {
        struct item *item = set->items[i];
        if (item->state != ITEM_NEW) continue;
        struct member_key_row key = {.tenant = item->tenant.id, .external_id = item->event.member};
        const struct member_key_row *row = bsearch(&key, found, n_found, sizeof *found, by_external_id);
        if (row == NULL || !row->has_key) return DB_RETRY; /* erased between two statements: from the front again */
        item->member = row->member;
        memcpy(item->sealing_key, row->sealing_key, SEAL_KEY_BYTES);
    }
    return DB_OK;
}

/* The tenants' rows as they stand at the beginning of this set (front a): a configuration that was saved meanwhile is used. The first
 * set after keys_authenticate has them from there. */
static enum db_result refresh_tenants(struct set *set) {
    struct tenant_row row = {0};
    if (set->s->front_fresh) {
        set->s->front_fresh = false;
        return DB_OK;
    }
    for (size_t i = 0; i < set->n; i++) {
        struct item *item = set->items[i];
        if (item->state != ITEM_NEW) continue;
        if (row.id.v != item->tenant.id.v) {
            enum db_result r = tenant_by_id(set->s->db, set->a, item->tenant.id, &row);
            if (r != DB_OK) return r == DB_NOT_FOUND ? DB_FATAL : r; /* tenants are never deleted */
        }
        item->tenant = row;
        if (row.status == TENANT_SUSPENDED) item_done(item, P_SUSPENDED);
    }
    return DB_OK;
}

enum tried set_front(struct set *set) {
    enum db_result r = refresh_tenants(set);
    if (r == DB_OK) r = answer_repeats(set);
    if (r != DB_OK) return tried_of(r);
    for (size_t i = 0; i < set->n; i++) {
        if (set->items[i]->state == ITEM_NEW) check_time(set, set->items[i]);
    }
    return tried_of(find_members(set));
}
