#include "service/simulate.h"

#include <string.h>

#include "engine/outcome.h"
#include "service/draft.h"
#include "service/needs.h"
#include "service/set.h"

struct simulating {
    struct service *s;
    struct arena *a;
    const struct tenant_row *tenant;
    struct event *event;
    const struct program *program;
    int64_t now_ms; /* as the event would see it */
    struct member_ref ref;
    struct member_state *state;
};

/* ---- what was settled before ---- */

/* *answer stays "" where the event is new. */
static enum problem replay(struct simulating *x, struct str *answer, struct faults *f) {
    const struct tenant_keys *keys = service_tenant_keys(x->s, x->tenant->id);
    const struct event *e = x->event;
    struct item item = {.tenant = *x->tenant, .event = *e, .in_array = true, .identity = identity_of(&keys->identity, e->source, e->id)};
    struct identity_row wanted = {.tenant = x->tenant->id, .identity = item.identity}, *found;
    struct item *items = &item;
    struct set set = {.s = x->s, .a = x->a, .items = &items, .n = 1, .now_ms = x->now_ms};
    size_t n;
    item.fingerprint = event_fingerprint(&keys->identity, x->a, e->type, e->member, e->time_sent ? e->time_ms : -1, e->data);
    item.faults = faults_new(x->a);
    enum db_result r = identities_find(x->s->db, x->a, &wanted, 1, &found, &n);
    if (r == DB_OK && n == 1) r = repeats_answer(&set, &items, found, 1);
    if (r != DB_OK || n == 0) return service_problem(r, f);
    *f = item.faults;
    *answer = item.answer;
    return item.problem;
}

/* ---- what it would meet ---- */

static enum problem read_config(struct simulating *x, const struct json *document, struct faults *f) {
    struct draft draft = {0};
    struct faults of_document = faults_new(x->a);
    enum problem p = draft_make(x->s, x->a, x->tenant->id, document, &draft, &of_document);
    for (size_t i = 0; i < of_document.list.n; i++) {
        struct fault *fault = &of_document.list.items[i];
        fault->pointer = str_printf(x->a, "/config" STR_FMT, STR_ARG(fault->pointer));
    }
    if (p != P_OK) {
        *f = of_document;
        return p;
    }
    return draft_program(x->s, x->a, &draft, x->now_ms, &x->program, f);
}

/* The state as it stands; of nobody yet, that of a new member. */
static enum db_result load_state(struct simulating *x) {
    struct member_key_row wanted = {.tenant = x->tenant->id, .external_id = x->event->member}, *key;
    size_t n;
    x->state = NEW(x->a, struct member_state);
    x->state->tenant = x->ref.tenant = x->tenant->id;
    enum db_result r = member_keys_find(x->s->db, x->a, &wanted, 1, &key, &n);
    if (r != DB_OK || n == 0) return r;
    struct member_state *found;
    x->ref.member = x->state->member = key->member;
    r = states_load(x->s->db, x->a, &x->ref, 1, &found, &n);
    if (r == DB_OK && n == 1) x->state = found;
    return r == DB_OK ? state_zones(x->s, x->a, x->state, x->program) : r;
}

static enum db_result load_needs(struct simulating *x) {
    const struct event *events[] = {x->event};
    struct needs needs = {.again = true};
    enum db_result r = DB_OK;
    while (needs.again && r == DB_OK) {
        settle_needs(x->program, x->state, events, 1, x->now_ms, x->a, &needs);
        r = needs_load(x->s, x->a, x->ref, x->state, &needs);
    }
    return r;
}

/* ---- the whole ---- */

static enum problem settle(struct simulating *x, struct str *answer, struct faults *f) {
    struct settle_env env = {.now_ms = x->now_ms, .keys = service_tenant_keys(x->s, x->tenant->id)};
    struct outcome *o = NEW(x->a, struct outcome);
    enum problem p = settle_event(x->program, x->state, x->event, &env, x->a, o, f);
    if (p != P_OK) return p;
    struct buf b = buf_new(x->a, SIZE_MAX); /* bounded by the outcome and the definitions */
    struct json_writer w = json_writer_of(&b);
    outcome_render_simulated(&w, x->a, o, x->program, x->event->member, x->event->source, x->event->id);
    *answer = buf_str(&b);
    return P_OK;
}

static enum problem simulate(struct simulating *x, const struct json *config, struct str *answer, struct faults *f) {
    *answer = STR("");
    enum problem p = replay(x, answer, f);
    if (p != P_OK || answer->n > 0) return p;
    p = config != NULL ? read_config(x, config, f) : program_get(x->s, x->tenant->id, x->tenant->config_version, &x->program, f);
    if (p == P_OK) p = event_time_check(x->a, x->program, x->tenant, x->event, STR("/event"), x->now_ms, f);
    if (p == P_OK) p = service_problem(load_state(x), f);
    if (p == P_OK) p = service_problem(load_needs(x), f);
    return p == P_OK ? settle(x, answer, f) : p;
}

enum problem event_simulate(struct service *s, struct arena *a, const struct tenant_row *tenant, struct simulation *in, int64_t now_ms,
                            struct str *answer, struct faults *f) {
    struct simulating x = {.s = s, .a = a, .tenant = tenant, .event = &in->event, .now_ms = in->has_at ? in->at_ms : now_ms};
    enum db_result r = db_begin_snapshot(s->db);
    if (r != DB_OK) return service_problem(r, f);
    enum problem p = simulate(&x, in->config, answer, f);
    db_rollback(s->db);
    return p;
}
