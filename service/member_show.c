/* service/member_show.c: what is kept of a member: the resource of the routes, and the whole state row for the command. */
#include "service/inside.h"
#include "service/member_parts.h"

static const char *const status_names[] = {"active", "suspended", "erased", "merged"};

const char *member_status_name(enum member_status s) { return status_names[s]; }

bool member_status_of(struct str name, enum member_status *out) {
    if (!str_is(name, "active") && !str_is(name, "suspended")) return false;
    *out = str_is(name, "active") ? MEMBER_ACTIVE : MEMBER_SUSPENDED;
    return true;
}

static void put_or_null(struct json_writer *w, const char *key, struct str value) {
    json_key(w, key);
    json_put_text(w, value);
}

static void put_object(struct json_writer *w, const char *key, const struct json *value) {
    static const struct json empty = {.type = JSON_OBJECT};
    json_key(w, key);
    json_put_value(w, value != NULL ? value : &empty);
}

void member_put(struct json_writer *w, struct str external_id, const struct member_state *state, struct str display_name, int64_t now_ms) {
    const struct zone *zone = state->zone_from_ms > 0 ? state->next_zone : state->zone;
    json_key(w, "member");
    json_put_str(w, external_id);
    json_key(w, "status");
    json_put_z(w, member_status_name(state->status));
    put_or_null(w, "type", state->type);
    put_or_null(w, "display_name", display_name);
    put_or_null(w, "zone", zone != NULL ? zone->name : STR("")); /* null: the tenant's */
    json_key(w, "zone_from");                                    /* null: it counts already */
    if (state->zone_from_ms > now_ms) {
        json_put_time(w, state->zone_from_ms);
    } else {
        json_put_null(w);
    }
    put_object(w, "attributes", state->attributes);
    put_object(w, "groups", state->groups);
}

enum problem member_get(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms, struct str *out,
                        struct faults *f) {
    struct member_found m;
    struct str display_name;
    enum problem p = member_find_whole(s, a, t, member, &m, &display_name, f);
    if (p != P_OK) return p;
    struct buf b = buf_new(a, SIZE_MAX); /* bounded by the profile and the definitions */
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    member_put(&w, member, m.state, display_name, now_ms);
    json_close_object(&w);
    *out = buf_str(&b);
    return P_OK;
}

/* ---- the whole, for the command ---- */

static void put_named(struct json_writer *w, const char *key, struct str value) {
    json_key(w, key);
    json_put_str(w, value);
}

static void put_number(struct json_writer *w, const char *key, int64_t value) {
    json_key(w, key);
    json_put_i64(w, value);
}

static void put_wallets(struct json_writer *w, const struct member_found *m) {
    json_key(w, "wallets");
    json_open_array(w);
    for (size_t i = 0; i < m->state->wallets.n; i++) {
        const struct wallet *x = &m->state->wallets.items[i];
        json_open_object(w);
        put_named(w, "currency", program_code(m->program, CODE_CURRENCY, x->currency));
        json_key(w, "part");
        json_put_z(w, x->part == PART_HELD ? "held" : "available");
        put_number(w, "balance", x->balance);
        put_number(w, "seq", (int64_t)x->seq);
        json_close_object(w);
    }
    json_close_array(w);
    json_key(w, "lifetimes");
    json_open_array(w);
    for (size_t i = 0; i < m->state->lifetimes.n; i++) {
        const struct lifetime *x = &m->state->lifetimes.items[i];
        json_open_object(w);
        put_named(w, "currency", program_code(m->program, CODE_CURRENCY, x->currency));
        put_number(w, "earned", x->earned);
        put_number(w, "spent", x->spent);
        json_close_object(w);
    }
    json_close_array(w);
}

static enum code_kind code_kind_of(enum counter_kind what) {
    switch (what) {
    case COUNTER_METRIC: return CODE_METRIC;
    case COUNTER_LIMIT:
    case COUNTER_COOLDOWN: return CODE_RULE;
    default: return CODE_CURRENCY;
    }
}

static void put_counters(struct json_writer *w, const struct member_found *m) {
    json_key(w, "counters");
    json_open_array(w);
    for (size_t i = 0; i < m->state->counters.n; i++) {
        const struct counter *x = &m->state->counters.items[i];
        json_open_object(w);
        json_key(w, "what");
        json_put_z(w, counter_kind_name(x->what));
        put_named(w, "of", program_code(m->program, code_kind_of(x->what), x->no));
        json_key(w, "period");
        json_put_z(w, period_name(x->kind));
        json_key(w, "start");
        if (x->kind == PERIOD_EVER) {
            json_put_null(w);
        } else {
            json_put_time(w, x->start);
        }
        json_key(w, "value");
        if (x->what == COUNTER_METRIC) {
            json_put_thousandths(w, x->value);
        } else if (x->what == COUNTER_COOLDOWN) {
            json_put_time(w, x->value);
        } else {
            json_put_i64(w, x->value);
        }
        json_close_object(w);
    }
    json_close_array(w);
    json_key(w, "ladders");
    json_open_array(w);
    for (size_t i = 0; i < m->state->ladders.n; i++) {
        json_open_object(w);
        put_named(w, "ladder", program_code(m->program, CODE_LADDER, m->state->ladders.items[i].ladder));
        put_number(w, "paid_up_to", m->state->ladders.items[i].level);
        json_close_object(w);
    }
    json_close_array(w);
}

/* The zone that counts at this moment, and whose it is: a changed one counts from the next midnight of the former (SEMANTICS 35). */
static void put_zone_now(struct json_writer *w, const struct member_found *m, int64_t now_ms) {
    const struct zone_ref member_zone = {.of = ZONE_MEMBER};
    const struct member_state *s = m->state;
    bool changed = s->zone_from_ms > 0 && now_ms >= s->zone_from_ms;
    put_named(w, "zone_now", zone_at(m->program, s, &member_zone, now_ms)->name);
    put_named(w, "zone_now_of", (changed ? s->next_zone : s->zone) != NULL ? STR("member") : STR("tenant"));
}

enum problem member_show(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms, struct str *out,
                         struct faults *f) {
    struct member_found m;
    struct str display_name;
    enum problem p = member_find_whole(s, a, t, member, &m, &display_name, f);
    if (p != P_OK) return p;
    struct buf b = buf_new(a, SIZE_MAX); /* bounded by the profile and the definitions */
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    member_put(&w, member, m.state, display_name, now_ms);
    put_zone_now(&w, &m, now_ms);
    json_key(&w, "member_no");
    json_put_str(&w, str_printf(a, "%llu", (unsigned long long)m.no.v)); /* text: beyond 2^53 */
    put_number(&w, "version", (int64_t)m.state->version);
    put_wallets(&w, &m);
    put_counters(&w, &m);
    json_close_object(&w);
    *out = buf_str(&b);
    return P_OK;
}
