/* service/members.c: reading one member: points and levels (SEMANTICS 18–21). */
#include "service/members.h"

#include <string.h>

#include "engine/settle.h"
#include "service/change.h"
#include "service/inside.h"
#include "service/member_parts.h"
#include "sql/members.h"

enum problem member_unknown(struct faults *f, struct str external_id) {
    return fault_say(f, P_MEMBER_NOT_FOUND, "the tenant has no member \"" STR_FMT "\"", STR_ARG(external_id));
}

/* ---- finding ---- */

void members_ahead(struct service *s, struct arena *a, const struct member_name *asked, size_t n) {
    if (members_load(s->db, a, asked, n, &s->ahead, &s->n_ahead) != DB_OK) members_ahead_forget(s);
}

void members_ahead_forget(struct service *s) {
    s->ahead = NULL;
    s->n_ahead = 0;
}

/* Each once: a state may be completed by who renders it. */
static bool take_ahead(struct service *s, const struct member_name *name, struct member_row *out) {
    for (size_t i = 0; i < s->n_ahead; i++) {
        struct member_row *row = &s->ahead[i];
        if (row->state == NULL || row->name.tenant.v != name->tenant.v || !str_eq(row->name.external_id, name->external_id)) continue;
        *out = *row;
        row->state = NULL;
        return true;
    }
    return false;
}

static enum problem found(struct service *s, struct arena *a, const struct member_row *row, struct member_found *out, struct faults *f) {
    *out = (struct member_found){.no = row->state->member, .external_id = row->name.external_id, .sum = row->sum, .state = row->state};
    memcpy(out->sealing_key, row->sealing_key, SEAL_KEY_BYTES);
    /* the tenant's record may be one that a worker has kept: the configuration is that of the row */
    enum problem p = program_get(s, row->state->tenant, row->config_version, &out->program, f);
    return p == P_OK ? service_problem(state_zones(s, a, out->state, out->program), f) : p;
}

enum problem member_find(struct service *s, struct arena *a, const struct tenant_row *t, struct str external_id, struct member_found *out,
                         struct faults *f) {
    struct member_name name = {t->id, external_id};
    struct member_row ahead, *row = &ahead;
    size_t n = 1;
    enum db_result r = take_ahead(s, &name, &ahead) ? DB_OK : members_load(s->db, a, &name, 1, &row, &n);
    if (r != DB_OK) return service_problem(r, f);
    return n == 0 ? member_unknown(f, external_id) : found(s, a, row, out, f);
}

enum problem member_find_whole(struct service *s, struct arena *a, const struct tenant_row *t, struct str external_id,
                               struct member_found *out, struct str *display_name, struct faults *f) {
    struct member_name name = {t->id, external_id};
    struct member_row row;
    struct profile_row profile;
    enum db_result r = member_load_whole(s->db, a, &name, &row, &profile);
    if (r == DB_NOT_FOUND) return member_unknown(f, external_id);
    if (r == DB_OK && !profile_parse(a, &profile, row.state)) r = DB_FATAL;
    if (r != DB_OK) return service_problem(r, f);
    *display_name = profile.display_name;
    return found(s, a, &row, out, f);
}

/* ---- points ---- */

static void put(struct json_writer *w, const char *key, int64_t value) {
    json_key(w, key);
    json_put_i64(w, value);
}

struct rendering { /* of a member's currencies, at a moment */
    struct service *s;
    struct arena *a;
    const struct member_found *m;
    int64_t now_ms;
    struct json_writer *w;
    struct member_parts *parts;
};

/* The parts are good while the same period counts: until its end, or until the moment from which the row's own counts. */
static void holds_within(struct member_parts *parts, const struct counter *known, int64_t start, int64_t end, int64_t now_ms) {
    if (known != NULL && known->start > now_ms && known->start < end) end = known->start;
    if (start > parts->from_ms) parts->from_ms = start;
    if (end < parts->until_ms) parts->until_ms = end;
}

/* What one of a currency's counters has in the present day of a zone. Where an event that lies ahead has begun the next day already,
 * today's are closed. */
static enum db_result of_today(struct rendering *x, enum counter_kind what, uint16_t currency, const struct zone_ref *ref, int64_t *value,
                               int64_t *end) {
    const struct member_found *m = x->m;
    const struct counter *c = state_counter(m->state, what, currency, PERIOD_DAY);
    int64_t start = counter_period(c, PERIOD_DAY, zone_at(m->program, m->state, ref, x->now_ms), x->now_ms, end);
    holds_within(x->parts, c, start, *end, x->now_ms);
    *value = 0;
    if (c == NULL || c->start < start) return DB_OK;
    if (c->start == start) {
        *value = c->value;
        return DB_OK;
    }
    struct closed_row wanted = {.m = {m->state->tenant, m->no}, .period = {.kind = PERIOD_DAY, .start = start}}, *found;
    size_t n;
    enum db_result r = closed_load(x->s->db, x->a, &wanted, 1, &found, &n);
    for (size_t i = 0; r == DB_OK && n == 1 && i < found->period.counters.n; i++) {
        const struct counter *old = &found->period.counters.items[i];
        if (old->what == what && old->no == currency) *value = old->value;
    }
    return r;
}

/* Today's cap and what is left of it. */
static enum db_result put_cap(struct rendering *x, const struct currency *currency) {
    int64_t used, resets_at, amount = cap_amount(x->m->program, x->m->state, currency);
    enum db_result r = of_today(x, COUNTER_CAP, currency->no, &currency->cap.zone, &used, &resets_at);
    json_key(x->w, "daily_cap");
    json_open_object(x->w);
    put(x->w, "amount", amount);
    put(x->w, "used", used);
    put(x->w, "left", used < amount ? amount - used : 0);
    json_key(x->w, "resets_at");
    json_put_time(x->w, resets_at);
    json_close_object(x->w);
    return r;
}

/* currency NULL: retired */
static enum db_result put_currency(struct rendering *x, uint16_t no, struct str code, const struct currency *currency) {
    struct zone_ref tenant_zone = {.of = ZONE_TENANT};
    struct member_state *state = x->m->state;
    int64_t available = state_wallet(x->a, state, no, PART_AVAILABLE)->balance, held = state_wallet(x->a, state, no, PART_HELD)->balance;
    const struct lifetime *life = state_lifetime(x->a, state, no);
    int64_t today, end;
    enum db_result r = of_today(x, COUNTER_EARNED, no, &tenant_zone, &today, &end);
    json_open_object(x->w);
    json_key(x->w, "currency");
    json_put_str(x->w, code);
    put(x->w, "balance", available + held);
    put(x->w, "held", held);
    put(x->w, "available", available);
    put(x->w, "lifetime_earned", life->earned);
    put(x->w, "lifetime_spent", life->spent);
    put(x->w, "earned_today", today);
    if (r == DB_OK && currency != NULL && currency->has_cap) r = put_cap(x, currency);
    json_close_object(x->w);
    return r;
}

struct member_parts member_parts_new(void) {
    return (struct member_parts){.from_ms = INT64_MIN, .until_ms = INT64_MAX};
}

enum db_result member_currencies(struct service *s, struct arena *a, const struct member_found *m, int64_t now_ms,
                                 struct member_parts *out) {
    MUST(m->program != NULL);            /* member_find has found it */
    struct buf b = buf_new(a, SIZE_MAX); /* bounded by the definitions */
    struct json_writer w = json_writer_of(&b);
    struct rendering x = {.s = s, .a = a, .m = m, .now_ms = now_ms, .w = &w, .parts = out};
    enum db_result r = DB_OK;
    json_open_array(&w);
    for (size_t i = 0; i < m->program->n_currencies && r == DB_OK; i++) {
        const struct currency *currency = &m->program->currencies[i];
        r = put_currency(&x, currency->no, currency->code, currency);
    }
    for (size_t i = 0; i < m->state->wallets.n && r == DB_OK; i++) { /* what is held of retired currencies is still shown; the list grows */
        struct wallet wallet = m->state->wallets.items[i];
        if (wallet.part != PART_AVAILABLE || program_currency_no(m->program, wallet.currency) != NULL) continue;
        r = put_currency(&x, wallet.currency, program_code(m->program, CODE_CURRENCY, wallet.currency), NULL);
    }
    json_close_array(&w);
    out->currencies = buf_str(&b);
    return r;
}

/* {"member":…,"name":part} */
static struct str answer_text(struct arena *a, struct str member, const char *name, struct str part) {
    struct buf b = buf_new(a, SIZE_MAX); /* bounded by the part */
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "member");
    json_put_str(&w, member);
    json_key(&w, name);
    json_put_raw(&w, part);
    json_close_object(&w);
    return buf_str(&b);
}

enum problem member_points(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms,
                           struct str *out, struct faults *f) {
    struct member_found m;
    struct member_parts parts = member_parts_new();
    enum problem p = member_find(s, a, t, member, &m, f);
    if (p == P_OK) p = service_problem(member_currencies(s, a, &m, now_ms, &parts), f);
    if (p == P_OK) *out = answer_text(a, member, "currencies", parts.currencies);
    return p;
}

/* ---- levels ---- */

static void put_text_or_null(struct json_writer *w, const char *key, struct str s) {
    json_key(w, key);
    json_put_text(w, s);
}

static void put_ladder(struct arena *a, struct json_writer *w, const struct member_found *m, const struct ladder *l) {
    int64_t earned = state_lifetime(a, m->state, l->currency->no)->earned;
    size_t at = ladder_index(l, earned);
    const struct level *level = &l->levels[at], *next = at + 1 < l->n_levels ? level + 1 : NULL;
    json_open_object(w);
    json_key(w, "ladder");
    json_put_str(w, l->code);
    json_key(w, "level");
    json_put_i64(w, l->first_level + (int64_t)at);
    put_text_or_null(w, "name", level->name);
    put_text_or_null(w, "icon", level->icon);
    put_text_or_null(w, "animation", level->animation);
    json_key(w, "lifetime_earned");
    json_put_i64(w, earned);
    json_key(w, "xp_in_level");
    json_put_i64(w, earned - level->at);
    json_key(w, "xp_to_next");
    json_put_i64(w, next != NULL ? next->at - earned : 0);
    json_key(w, "progress"); /* whole percents of the level, rounded down; 100 at the top */
    json_put_i64(w, next != NULL ? (int64_t)((__int128)(earned - level->at) * 100 / (next->at - level->at)) : 100);
    json_key(w, "next");
    if (next == NULL) {
        json_put_null(w);
    } else {
        json_open_object(w);
        json_key(w, "level");
        json_put_i64(w, l->first_level + (int64_t)at + 1);
        put_text_or_null(w, "name", next->name);
        json_key(w, "at");
        json_put_i64(w, next->at);
        json_close_object(w);
    }
    json_key(w, "privileges"); /* of all levels reached */
    json_open_array(w);
    for (size_t i = 0; i <= at; i++) {
        for (size_t j = 0; j < l->levels[i].n_privileges; j++) json_put_str(w, l->levels[i].privileges[j]);
    }
    json_close_array(w);
    json_close_object(w);
}

void member_ladders(struct arena *a, const struct member_found *m, struct member_parts *out) {
    MUST(m->program != NULL);
    struct buf b = buf_new(a, SIZE_MAX); /* bounded by the definitions */
    struct json_writer w = json_writer_of(&b);
    json_open_array(&w);
    for (size_t i = 0; i < m->program->n_ladders; i++) put_ladder(a, &w, m, &m->program->ladders[i]);
    json_close_array(&w);
    out->levels = buf_str(&b);
}

enum problem member_levels(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, struct str *out,
                           struct faults *f) {
    struct member_found m;
    struct member_parts parts = member_parts_new();
    enum problem p = member_find(s, a, t, member, &m, f);
    if (p != P_OK) return p;
    member_ladders(a, &m, &parts);
    *out = answer_text(a, member, "levels", parts.levels);
    return P_OK;
}
