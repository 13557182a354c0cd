/* service/member_admin.c: what an administrator does to a member: type, attributes, groups, zone, suspension, erasure (SEMANTICS 35, 39).
 */
#include <string.h>

#include "service/change.h"
#include "service/inside.h"

enum { SHOW_BYTES_MAX = 1024 * 1024 };

/* ---- set ---- */

struct set_ctx {
    const struct member_set *set;
    uint16_t zone_no;
};

/* A changed zone counts from the next midnight of the old one, at most once a day. */
static enum problem set_zone(struct change *c, uint16_t zone_no, struct faults *f) {
    struct member_state *s = c->state;
    struct zone_ref member_zone = {.of = ZONE_MEMBER};
    const struct zone *now_in = zone_at(c->program, s, &member_zone, c->now_ms);
    if (s->zone_from_ms > c->now_ms) {
        if (s->next_zone_no == zone_no) return P_OK;
        struct str from = time_text(c->a, s->zone_from_ms);
        return fault_say(f, P_VALIDATION, "the zone was changed today already; it can be changed again after " STR_FMT, STR_ARG(from));
    }
    uint16_t present = s->zone_from_ms > 0 ? s->next_zone_no : s->zone_no;
    if (present == zone_no) return P_OK;
    s->zone_no = present;
    s->next_zone_no = zone_no;
    s->zone_from_ms = period_end(now_in, PERIOD_DAY, c->now_ms);
    s->cold_dirty = true;
    return P_OK;
}

static enum problem decide_set(struct change *c, struct faults *f) {
    const struct set_ctx *ctx = c->ctx;
    const struct member_set *set = ctx->set;
    if (set->has_type) {
        c->state->type = set->type;
        c->state->cold_dirty = true;
    }
    enum problem p = set->has_zone ? set_zone(c, ctx->zone_no, f) : P_OK;
    if (p == P_OK) settle_note(c->program, c->state, &c->env, c->a, &c->outcome);
    return p;
}

static struct str text_of(struct change *c, bool given, const struct json *v, struct str before) {
    if (!given) return before;
    return v == NULL || v->n == 0 ? STR("") : json_to_text(c->a, v);
}

static enum db_result write_profile(struct change *c) {
    const struct member_set *set = ((const struct set_ctx *)c->ctx)->set;
    if (!set->has_attributes && !set->has_groups && !set->has_display_name) return DB_OK;
    struct profile_row *found;
    size_t n;
    enum db_result r = profiles_load(c->s->db, c->a, &c->ref, 1, &found, &n);
    if (r != DB_OK) return r;
    struct profile_row before = n == 1 ? *found : (struct profile_row){0};
    struct profile_row row = {
        .m = c->ref,
        .display_name = set->has_display_name ? set->display_name : before.display_name,
        .attributes = text_of(c, set->has_attributes, set->attributes, before.attributes),
        .groups = text_of(c, set->has_groups, set->groups, before.groups),
    };
    return profile_write(c->s->db, c->a, &row);
}

/* The number of a zone, given now where it has none. */
static enum problem zone_number(struct service *s, struct arena *a, tenant_id t, struct str name, uint16_t *no, struct faults *f) {
    *no = 0;
    if (name.n == 0) return P_OK;
    if (zone_find(name) == NULL) return fault_add(f, P_VALIDATION, STR("/zone"), "there is no time zone \"" STR_FMT "\"", STR_ARG(name));
    for (int try = 0; try < 3; try++) {
        struct code_number *codes;
        size_t n;
        enum db_result r = codes_read(s->db, a, t, &codes, &n);
        if (r != DB_OK) return service_problem(r, f);
        struct code_number made = {.kind = CODE_ZONE, .no = 1, .code = name};
        for (size_t i = 0; i < n; i++) {
            if (codes[i].kind != CODE_ZONE) continue;
            if (str_eq(codes[i].code, name)) {
                *no = codes[i].no;
                return P_OK;
            }
            if (codes[i].no >= made.no) made.no = (uint16_t)(codes[i].no + 1);
        }
        r = codes_insert(s->db, a, t, &made, 1);
        if (r != DB_OK && r != DB_CONFLICT) return service_problem(r, f);
    }
    return service_problem(DB_BUSY, f);
}

enum problem member_write(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, const struct member_set *set,
                          int64_t now_ms, struct faults *f) {
    if (!public_id_is_valid(member)) return fault_add(f, P_VALIDATION, STR("/member"), "is not a valid member id");
    struct set_ctx ctx = {.set = set};
    if (set->has_zone) {
        enum problem p = zone_number(s, a, t->id, set->zone, &ctx.zone_no, f);
        if (p != P_OK) return p;
    }
    struct change c = {.s = s,
                       .a = a,
                       .tenant = t,
                       .external_id = member,
                       .create = true,
                       .now_ms = now_ms,
                       .decide = decide_set,
                       .also = write_profile,
                       .ctx = &ctx};
    return change_member(&c, f);
}

/* ---- suspend, restore, erase ---- */

static enum problem decide_status(struct change *c, struct faults *f) {
    (void)f;
    enum member_status status = *(const enum member_status *)c->ctx;
    c->state->status = status;
    c->state->cold_dirty = true;
    settle_note(c->program, c->state, &c->env, c->a, &c->outcome);
    return P_OK;
}

enum problem member_suspend(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, bool suspended,
                            int64_t now_ms, struct faults *f) {
    enum member_status status = suspended ? MEMBER_SUSPENDED : MEMBER_ACTIVE;
    struct change c = {.s = s, .a = a, .tenant = t, .external_id = member, .now_ms = now_ms, .decide = decide_status, .ctx = &status};
    return change_member(&c, f);
}

static enum problem decide_erase(struct change *c, struct faults *f) {
    c->state->type = STR("");
    c->state->zone_no = c->state->next_zone_no = 0;
    c->state->zone_from_ms = 0;
    return decide_status(c, f);
}

/* Under the member's lock: after this nobody can tell whose the numbers were. */
static enum db_result forget(struct change *c) {
    enum db_result r = member_erase_rows(c->s->db, c->a, c->ref);
    return r == DB_OK ? member_key_erase(c->s->db, c->a, c->ref.tenant, c->ref.member) : r;
}

enum problem member_erase(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms,
                          struct faults *f) {
    enum member_status status = MEMBER_ERASED;
    struct change c = {
        .s = s, .a = a, .tenant = t, .external_id = member, .now_ms = now_ms, .decide = decide_erase, .also = forget, .ctx = &status};
    return change_member(&c, f);
}

/* ---- show ---- */

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

static void put_profile(struct json_writer *w, const struct member_found *m, const struct profile_row *profile) {
    static const struct json empty = {.type = JSON_OBJECT};
    put_named(w, "display_name", profile->display_name);
    json_key(w, "attributes");
    json_put_value(w, m->state->attributes != NULL ? m->state->attributes : &empty);
    json_key(w, "groups");
    json_put_value(w, m->state->groups != NULL ? m->state->groups : &empty);
}

static const char *status_name(enum member_status s) {
    static const char *const names[] = {"active", "suspended", "erased", "merged"};
    return names[s];
}

enum problem member_show(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms, struct str *out,
                         struct faults *f) {
    struct member_found m;
    enum problem p = member_find(s, a, t, member, &m, f);
    if (p != P_OK) return p;
    struct member_ref ref = {t->id, m.no};
    struct profile_row *found, none = {.m = ref};
    size_t n;
    enum db_result r = profiles_load(s->db, a, &ref, 1, &found, &n);
    if (r != DB_OK) return service_problem(r, f);
    if (n == 1 && !profile_parse(a, found, m.state)) return P_INTERNAL;
    struct zone_ref member_zone = {.of = ZONE_MEMBER};
    struct buf b = buf_new(a, SHOW_BYTES_MAX);
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    put_named(&w, "member", member);
    json_key(&w, "member_no");
    json_put_str(&w, str_printf(a, "%llu", (unsigned long long)m.no.v)); /* text: beyond 2^53 */
    put_number(&w, "version", (int64_t)m.state->version);
    json_key(&w, "status");
    json_put_z(&w, status_name(m.state->status));
    put_named(&w, "type", m.state->type);
    put_named(&w, "zone", zone_at(m.program, m.state, &member_zone, now_ms)->name);
    put_profile(&w, &m, n == 1 ? found : &none);
    put_wallets(&w, &m);
    put_counters(&w, &m);
    json_close_object(&w);
    MUST(buf_ok(&b));
    *out = buf_str(&b);
    return P_OK;
}
