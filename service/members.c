/* service/members.c: reading one member: points and levels (SEMANTICS 18–21). */
#include "service/members.h"

#include <string.h>

#include "engine/settle.h"
#include "service/change.h"
#include "service/inside.h"
#include "service/member_parts.h"
#include "sql/members.h"

enum problem member_find(struct service *s, struct arena *a, const struct tenant_row *t, struct str external_id, struct member_found *out,
                         struct faults *f) {
    struct member_key_row key;
    enum problem p = member_key_find(s, a, t, external_id, &key, f);
    if (p != P_OK) return p;
    struct member_ref ref = {t->id, key.member};
    size_t n;
    enum db_result r = states_load(s->db, a, &ref, 1, &out->state, &n);
    if (r != DB_OK) return service_problem(r, f);
    if (n == 0) return fault_say(f, P_MEMBER_NOT_FOUND, "the tenant has no member \"" STR_FMT "\"", STR_ARG(external_id));
    out->no = key.member;
    out->external_id = external_id;
    memcpy(out->sealing_key, key.sealing_key, SEAL_KEY_BYTES);
    p = program_get(s, t->id, t->config_version, &out->program, f);
    return p == P_OK ? service_problem(state_zones(s, a, out->state, out->program), f) : p;
}

/* ---- points ---- */

/* Points earned on the tenant's present day. Where an event that lies ahead has begun the next day already, today's are closed. */
static enum db_result earned_today(struct service *s, struct arena *a, const struct member_found *m, uint16_t currency, int64_t now_ms,
                                   int64_t *out) {
    struct zone_ref tenant_zone = {.of = ZONE_TENANT};
    const struct counter *c = state_counter(m->state, COUNTER_EARNED, currency, PERIOD_DAY);
    int64_t start = counter_period(c, PERIOD_DAY, zone_at(m->program, m->state, &tenant_zone, now_ms), now_ms, NULL);
    *out = 0;
    if (c == NULL || c->start < start) return DB_OK;
    if (c->start == start) {
        *out = c->value;
        return DB_OK;
    }
    struct closed_row wanted = {.m = {m->state->tenant, m->no}, .period = {.kind = PERIOD_DAY, .start = start}}, *found;
    size_t n;
    enum db_result r = closed_load(s->db, a, &wanted, 1, &found, &n);
    for (size_t i = 0; r == DB_OK && n == 1 && i < found->period.counters.n; i++) {
        const struct counter *old = &found->period.counters.items[i];
        if (old->what == COUNTER_EARNED && old->no == currency) *out = old->value;
    }
    return r;
}

static enum db_result put_currency(struct service *s, struct arena *a, struct json_writer *w, const struct member_found *m, uint16_t no,
                                   struct str code, int64_t now_ms) {
    int64_t today;
    enum db_result r = earned_today(s, a, m, no, now_ms, &today);
    if (r != DB_OK) return r;
    int64_t available = state_wallet(a, m->state, no, PART_AVAILABLE)->balance;
    int64_t held = state_wallet(a, m->state, no, PART_HELD)->balance;
    const struct lifetime *life = state_lifetime(a, m->state, no);
    json_open_object(w);
    json_key(w, "currency");
    json_put_str(w, code);
    json_key(w, "balance");
    json_put_i64(w, available + held);
    json_key(w, "held");
    json_put_i64(w, held);
    json_key(w, "available");
    json_put_i64(w, available);
    json_key(w, "lifetime_earned");
    json_put_i64(w, life->earned);
    json_key(w, "lifetime_spent");
    json_put_i64(w, life->spent);
    json_key(w, "earned_today");
    json_put_i64(w, today);
    json_close_object(w);
    return DB_OK;
}

enum db_result member_put_currencies(struct service *s, struct arena *a, struct json_writer *w, const struct member_found *m,
                                     int64_t now_ms) {
    enum db_result r = DB_OK;
    json_open_array(w);
    for (size_t i = 0; i < m->program->n_currencies && r == DB_OK; i++) {
        r = put_currency(s, a, w, m, m->program->currencies[i].no, m->program->currencies[i].code, now_ms);
    }
    for (size_t i = 0, n = m->state->wallets.n; i < n && r == DB_OK; i++) { /* what is held of retired currencies is still shown */
        struct wallet wallet = m->state->wallets.items[i];
        if (wallet.part != PART_AVAILABLE || program_currency_no(m->program, wallet.currency) != NULL) continue;
        r = put_currency(s, a, w, m, wallet.currency, program_code(m->program, CODE_CURRENCY, wallet.currency), now_ms);
    }
    json_close_array(w);
    return r;
}

enum problem member_points(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms,
                           struct str *out, struct faults *f) {
    struct member_found m;
    enum problem p = member_find(s, a, t, member, &m, f);
    if (p != P_OK) return p;
    struct buf b = buf_new(a, SIZE_MAX); /* bounded by the definitions */
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "member");
    json_put_str(&w, member);
    json_key(&w, "currencies");
    enum db_result r = member_put_currencies(s, a, &w, &m, now_ms);
    json_close_object(&w);
    *out = buf_str(&b);
    return service_problem(r, f);
}

/* ---- levels ---- */

static void put_text_or_null(struct json_writer *w, const char *key, struct str s) {
    json_key(w, key);
    if (s.n == 0) {
        json_put_null(w);
    } else {
        json_put_str(w, s);
    }
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

void member_put_ladders(struct arena *a, struct json_writer *w, const struct member_found *m) {
    json_open_array(w);
    for (size_t i = 0; i < m->program->n_ladders; i++) put_ladder(a, w, m, &m->program->ladders[i]);
    json_close_array(w);
}

enum problem member_levels(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, struct str *out,
                           struct faults *f) {
    struct member_found m;
    enum problem p = member_find(s, a, t, member, &m, f);
    if (p != P_OK) return p;
    struct buf b = buf_new(a, SIZE_MAX); /* bounded by the definitions */
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "member");
    json_put_str(&w, member);
    json_key(&w, "levels");
    member_put_ladders(a, &w, &m);
    json_close_object(&w);
    *out = buf_str(&b);
    return P_OK;
}
