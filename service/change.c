#include "service/change.h"

#include <string.h>

#include "base/log.h"
#include "base/trap.h"
#include "service/inside.h"
#include "service/member_parts.h"
#include "service/needs.h"
#include "service/set.h"
#include "sql/audit.h"
#include "sql/ledger.h"

enum { CHANGE_TRIES_MAX = 4 };

enum problem member_key_find(struct service *s, struct arena *a, const struct tenant_row *t, struct str external_id,
                             struct member_key_row *out, struct faults *f) {
    struct member_key_row wanted = {.tenant = t->id, .external_id = external_id}, *found;
    size_t n;
    enum db_result r = member_keys_find(s->db, a, &wanted, 1, &found, &n);
    if (r != DB_OK) return service_problem(r, f);
    if (n == 0 || !found->has_key) return member_unknown(f, external_id);
    *out = *found;
    return P_OK;
}

static enum problem key_find(struct change *c, struct faults *f) {
    struct member_key_row key;
    enum problem p = member_key_find(c->s, c->a, c->tenant, c->external_id, &key, f);
    if (p != P_OK) return p;
    c->ref = (struct member_ref){c->tenant->id, key.member};
    memcpy(c->sealing_key, key.sealing_key, SEAL_KEY_BYTES);
    return P_OK;
}

static enum problem key_find_or_make(struct change *c, struct faults *f) {
    enum problem p = key_find(c, f);
    if (p != P_MEMBER_NOT_FOUND || !c->create) return p;
    *f = faults_new(c->a);
    struct member_key_row made = {.tenant = c->tenant->id, .external_id = c->external_id};
    member_key_make(&made);
    enum db_result r = member_keys_insert(c->s->db, c->a, &made, 1);
    return r == DB_OK ? key_find(c, f) : service_problem(r, f);
}

/* ---- the Idempotency-Key ---- */

static struct idempotency_row key_row(const struct change *c, struct position at) {
    return (struct idempotency_row){.tenant = c->tenant->id,
                                    .key_id = c->key->key_id,
                                    .member = c->key->member,
                                    .route = c->key->route,
                                    .key = c->key->key,
                                    .fingerprint = c->key->fingerprint,
                                    .created_at = c->now_ms,
                                    .status = (uint16_t)c->status,
                                    .at = at};
}

/* The first answer's outcome, by its position. */
static enum problem replay(struct change *c, const struct idempotency_row *row, struct faults *f) {
    if (memcmp(&row->fingerprint, &c->key->fingerprint, sizeof row->fingerprint) != 0) {
        return fault_say(f, P_KEY_REUSED, "the first request with this key had another path or body");
    }
    c->status = row->status;
    if (row->status == 204) { /* what was erased is no longer there to be looked at */
        c->replayed = true;
        return P_OK;
    }
    enum problem p = key_find(c, f);
    if (p == P_MEMBER_NOT_FOUND) *f = faults_new(c->a);
    if (p != P_OK) return p == P_MEMBER_NOT_FOUND ? P_ERASED : p; /* it was there when the first answer was given */
    struct outcome_ref ref = {c->tenant->id, row->at};
    struct outcome_row *found;
    size_t n;
    enum db_result r = outcomes_find(c->s->db, c->a, &ref, 1, &found, &n);
    if (r != DB_OK) return service_problem(r, f);
    struct str clear;
    if (n == 0 || !outcome_decode(c->a, found->clear, &c->outcome)) return P_INTERNAL;
    if (!crypto_open(c->a, c->sealing_key, seal_associated(c->a, found->tenant, found->member), found->sealed, &clear)) return P_ERASED;
    if (!sealed_decode(c->a, clear, &c->sealed)) return P_INTERNAL;
    c->replayed = true;
    return program_get(c->s, c->tenant->id, c->outcome.config_version, &c->program, f);
}

/* P_OK with c->replayed, or P_OK without: nothing is known of the key yet. */
static enum problem seen_before(struct change *c, struct faults *f) {
    struct idempotency_row wanted = key_row(c, (struct position){0}), found;
    enum db_result r = idempotency_find(c->s->db, c->a, &wanted, &found);
    if (r == DB_NOT_FOUND) return P_OK;
    return r == DB_OK ? replay(c, &found, f) : service_problem(r, f);
}

/* ---- the transaction ---- */

static enum db_result load(struct change *c, struct faults *f, enum problem *p) {
    enum db_result r = states_lock(c->s->db, c->a, &c->ref, 1);
    size_t n = 0;
    if (r == DB_OK) r = states_load(c->s->db, c->a, &c->ref, 1, &c->state, &n);
    if (r != DB_OK) return r;
    MUST(n == 1);
    bool is_new = c->state->version == 1;
    c->state->version--; /* the lock counted it up */
    if (c->state->status == MEMBER_ERASED || (is_new && !c->create && !c->bare_key)) {
        *p = member_unknown(f, c->external_id);
        return DB_OK;
    }
    return state_zones(c->s, c->a, c->state, c->program);
}

/* By the member's number: a member that is erased is forgotten here too. */
static enum db_result note_action(struct change *c) {
    struct audit_row line = {.tenant = c->ref.tenant,
                             .id = uuid_new(c->now_ms),
                             .at_ms = c->now_ms,
                             .actor = c->actor,
                             .action = c->action,
                             .target = str_printf(c->a, "member/%llu", (unsigned long long)c->ref.member.v),
                             .detail = c->detail};
    return audit_insert(c->s->db, c->a, &line);
}

static enum db_result write(struct change *c) {
    struct db *db = c->s->db;
    const struct member_state *state = c->state;
    enum db_result r = states_write(db, c->a, &state, 1);
    size_t n = c->outcome.entries.n;
    struct entry_row *entries = NEW_ARRAY(c->a, struct entry_row, n);
    for (size_t i = 0; i < n; i++) entries[i] = (struct entry_row){c->ref, c->outcome.entries.items[i]};
    if (r == DB_OK && n > 0) r = entries_insert(db, c->a, entries, n);
    LIST(struct closed_row) closed = {0};
    for (size_t i = 0; i < state->closed.n; i++) {
        if (state->closed.items[i].dirty) *LIST_PUSH(c->a, &closed) = (struct closed_row){c->ref, state->closed.items[i]};
    }
    if (r == DB_OK && closed.n > 0) r = closed_write(db, c->a, closed.items, closed.n);
    if (r == DB_OK && c->also != NULL) r = c->also(c);
    if (r == DB_OK && c->action.n > 0) r = note_action(c);
    c->outcome.of = 1;
    struct outcome_row row = {
        .at = c->env.at,
        .of = 1,
        .tenant = c->ref.tenant,
        .member = c->ref.member,
        .member_version = c->outcome.member_version,
        .clear = outcome_encode(c->a, &c->outcome),
        .sealed = crypto_seal(c->a, c->sealing_key, seal_associated(c->a, c->ref.tenant, c->ref.member), sealed_encode(c->a, &c->sealed)),
    };
    if (r == DB_OK) r = lane_outcomes(c->s, c->a, &row, 1);
    if (r == DB_OK) {
        r = lane_advance(c->s, c->a, c->env.at, c->now_ms);
        if (r == DB_NOT_FOUND) lane_forget(c->s);
    }
    return r == DB_NOT_FOUND ? DB_RETRY : r;
}

/* What an adjustment may have to know of closed periods. */
static enum db_result load_needs(struct change *c) {
    struct needs needs = {.again = true};
    enum db_result r = DB_OK;
    while (needs.again && r == DB_OK) {
        settle_needs(c->program, c->state, NULL, 0, c->now_ms, c->a, &needs);
        r = needs_load(c->s, c->a, c->ref, c->state, &needs);
    }
    return r;
}

/* DB_CONFLICT: the key was used meanwhile. *p: a refusal, to be rolled back. */
static enum db_result body(struct change *c, struct faults *f, enum problem *p) {
    struct service *s = c->s;
    enum db_result r = lane_claim(s, c->now_ms);
    if (r == DB_OK) r = db_begin(s->db);
    if (r != DB_OK) return r;
    c->env = (struct settle_env){.now_ms = c->now_ms, .keys = service_tenant_keys(s, c->tenant->id), .at = lane_next(s, c->now_ms)};
    crypto_random(c->env.seed, sizeof c->env.seed);
    if (c->key != NULL) {
        struct idempotency_row row = key_row(c, c->env.at);
        trap("before-identity");
        r = idempotency_insert(s->db, c->a, &row);
        if (r == DB_OK) trap("after-identity");
    }
    if (r == DB_OK) r = load(c, f, p);
    if (r == DB_OK && *p == P_OK) r = load_needs(c);
    if (r != DB_OK || *p != P_OK) return r;
    c->outcome = (struct outcome){0};
    int expected = c->status;
    *p = c->decide(c, f);
    if (*p != P_OK) return DB_OK;
    if (c->key != NULL && c->status != expected) {
        struct idempotency_row row = key_row(c, c->env.at);
        r = idempotency_finish(s->db, c->a, &row);
    }
    if (r == DB_OK) r = write(c);
    if (r == DB_OK && service_is_late(s)) return DB_GONE;
    if (r == DB_OK) r = db_commit(s->db);
    if (r == DB_OK) lane_committed(s, c->env.at);
    return r;
}

enum problem change_member(struct change *c, struct faults *f) {
    enum db_result r = DB_OK;
    for (int try = 0; try < CHANGE_TRIES_MAX; try++) {
        enum problem p = c->key != NULL ? seen_before(c, f) : P_OK;
        if (p == P_OK && !c->replayed) p = key_find_or_make(c, f);
        if (p != P_OK || c->replayed) return p;
        struct tenant_row now; /* the configuration that counts is the one of this moment */
        r = tenant_by_id(c->s->db, c->a, c->tenant->id, &now);
        if (r == DB_OK) p = program_get(c->s, now.id, now.config_version, &c->program, f);
        if (p != P_OK) return p;
        if (r == DB_OK) r = body(c, f, &p);
        db_rollback(c->s->db);
        if (r == DB_UNKNOWN) lane_forget(c->s);
        if (r == DB_OK) return p;
        if (service_is_late(c->s)) break;
        bool again = r == DB_RETRY || r == DB_CONFLICT || r == DB_GONE || (r == DB_UNKNOWN && c->key != NULL);
        if (!again) break; /* without a key nobody can tell whether the lost COMMIT was done */
    }
    return service_problem(r == DB_CONFLICT ? DB_RETRY : r, f);
}
