/* service/answers.c: first answers, given again: found by identity, rendered from the stored outcome (SEMANTICS 3). */
#include <string.h>

#include "base/log.h"
#include "engine/outcome.h"
#include "service/inside.h"
#include "service/set.h"
#include "sql/members.h"

static struct str answer_text(struct arena *a, const struct outcome *o, const struct program *p, struct str member, struct str source,
                              struct str id, bool replayed) {
    struct buf b = buf_new(a, SIZE_MAX); /* bounded by the outcome and the definitions */
    struct json_writer w = json_writer_of(&b);
    outcome_render(&w, a, o, p, member, source, id, replayed);
    MUST(buf_ok(&b));
    return buf_str(&b);
}

void item_answer(struct item *item, struct arena *a, const struct program *p, const struct outcome *o, bool replayed) {
    item->replayed = replayed;
    item->answer = answer_text(a, o, p, item->event.member, item->event.source, item->event.id, replayed && item->in_array);
}

static bool is_erased(const struct member_key_row *keys, size_t n, tenant_id t, member_no m) {
    for (size_t i = 0; i < n; i++) {
        if (keys[i].tenant.v == t.v && keys[i].member.v == m.v) return keys[i].state == MEMBER_ERASED;
    }
    return true; /* a member without a key row is gone altogether */
}

/* One found outcome becomes the item's answer. */
static void repeat_answer(struct set *set, struct item *item, const struct outcome_row *row, bool erased) {
    if (erased) {
        item_done(item, P_ERASED);
        return;
    }
    struct outcome *o = NEW(set->a, struct outcome);
    if (!outcome_decode(set->a, row->clear, o)) {
        log_line(LOG_ERROR, "outcome_damaged", "day=%u lane=%u n=%llu i=%u", row->at.day, row->at.lane, (unsigned long long)row->at.n,
                 row->at.i);
        item_done(item, P_INTERNAL);
        return;
    }
    enum problem p = program_get(set->s, item->tenant.id, o->config_version, &item->program, &item->faults);
    if (p == P_OK) {
        bool ours = position_eq(item->sent, row->at); /* our own COMMIT, whose answer was lost: this is the first answer */
        item->outcome = o;
        item_answer(item, set->a, item->program, o, !ours);
    }
    item_done(item, p);
}

static const struct outcome_row *row_at(const struct outcome_row *rows, size_t n, const struct identity_row *id) {
    for (size_t i = 0; i < n; i++) {
        if (rows[i].tenant.v == id->tenant.v && position_eq(rows[i].at, id->at)) return &rows[i];
    }
    return NULL;
}

/* The keys of the rows' members, tenant by tenant. */
static enum db_result keys_of_rows(struct set *set, const struct outcome_row *rows, size_t n, struct member_key_row **out, size_t *n_out) {
    struct member_key_row *all = NEW_ARRAY(set->a, struct member_key_row, n);
    member_no *nos = NEW_ARRAY(set->a, member_no, n);
    bool *taken = NEW_ARRAY(set->a, bool, n);
    size_t n_all = 0;
    for (size_t i = 0; i < n; i++) {
        if (taken[i]) continue;
        size_t k = 0;
        for (size_t j = i; j < n; j++) {
            if (rows[j].tenant.v != rows[i].tenant.v) continue;
            bool known = false;
            for (size_t m = 0; m < k && !known; m++) known = nos[m].v == rows[j].member.v;
            if (!known) nos[k++] = rows[j].member;
            taken[j] = true;
        }
        struct member_key_row *some;
        size_t n_some;
        enum db_result r = member_keys_by_no(set->s->db, set->a, rows[i].tenant, nos, k, &some, &n_some);
        if (r != DB_OK) return r;
        for (size_t j = 0; j < n_some && n_all < n; j++) all[n_all++] = some[j];
    }
    *out = all;
    *n_out = n_all;
    return DB_OK;
}

enum db_result repeats_answer(struct set *set, struct item *const *items, const struct identity_row *found, size_t n) {
    struct outcome_ref *refs = NEW_ARRAY(set->a, struct outcome_ref, n);
    size_t n_refs = 0;
    for (size_t i = 0; i < n; i++) {
        if (memcmp(&items[i]->fingerprint, &found[i].fingerprint, sizeof found[i].fingerprint) != 0) {
            fault_say(&items[i]->faults, P_EVENT_REUSED, "this source and id were first sent with another type, member, time or data");
            item_done(items[i], P_EVENT_REUSED);
        } else {
            refs[n_refs++] = (struct outcome_ref){.tenant = found[i].tenant, .at = found[i].at};
        }
    }
    if (n_refs == 0) return DB_OK;
    struct outcome_row *rows;
    size_t n_rows;
    enum db_result r = outcomes_find(set->s->db, set->a, refs, n_refs, &rows, &n_rows);
    if (r != DB_OK) return r;
    struct member_key_row *keys;
    size_t n_keys;
    r = keys_of_rows(set, rows, n_rows, &keys, &n_keys);
    if (r != DB_OK) return r;
    for (size_t i = 0; i < n; i++) {
        if (items[i]->state == ITEM_DONE) continue;
        const struct outcome_row *row = row_at(rows, n_rows, &found[i]);
        if (row == NULL) {
            log_line(LOG_ERROR, "outcome_missing", "day=%u lane=%u n=%llu i=%u", found[i].at.day, found[i].at.lane,
                     (unsigned long long)found[i].at.n, found[i].at.i);
            item_done(items[i], P_INTERNAL);
            continue;
        }
        repeat_answer(set, items[i], row, is_erased(keys, n_keys, row->tenant, row->member));
    }
    return DB_OK;
}

/* ---- GET /events/{source}/{id} ---- */

static enum problem answer_of_row(struct service *s, struct arena *a, const struct tenant_row *tenant, const struct outcome_row *row,
                                  struct str source, struct str id, struct str *answer, struct faults *f) {
    struct member_key_row *key;
    size_t n;
    enum db_result r = member_keys_by_no(s->db, a, tenant->id, &row->member, 1, &key, &n);
    if (r != DB_OK) return service_problem(r, f);
    if (n == 0 || key->state == MEMBER_ERASED) return P_ERASED;
    struct outcome *o = NEW(a, struct outcome);
    if (!outcome_decode(a, row->clear, o)) return P_INTERNAL;
    const struct program *p;
    enum problem problem = program_get(s, tenant->id, o->config_version, &p, f);
    if (problem == P_OK) *answer = answer_text(a, o, p, key->external_id, source, id, false);
    return problem;
}

enum problem event_answer(struct service *s, struct arena *a, const struct tenant_row *tenant, struct str source, struct str id,
                          struct str *answer, struct faults *f) {
    struct identity_row wanted = {.tenant = tenant->id, .identity = identity_of(&service_tenant_keys(s, tenant->id)->identity, source, id)};
    struct identity_row *found;
    size_t n;
    enum db_result r = identities_find(s->db, a, &wanted, 1, &found, &n);
    if (r != DB_OK) return service_problem(r, f);
    if (n == 0) return P_EVENT_NOT_FOUND;
    struct outcome_ref ref = {.tenant = tenant->id, .at = found->at};
    struct outcome_row *row;
    r = outcomes_find(s->db, a, &ref, 1, &row, &n);
    if (r != DB_OK) return service_problem(r, f);
    return n == 0 ? P_EVENT_NOT_FOUND : answer_of_row(s, a, tenant, row, source, id, answer, f);
}
