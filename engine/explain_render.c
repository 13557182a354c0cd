/* The answer of /why: one object for each check, {"check","passed", its figures}; "passed" is null where it hangs on an event. */
#include "engine/explain.h"

static void put_text(struct json_writer *w, const char *key, struct str value) {
    json_key(w, key);
    json_put_str(w, value);
}

static void put_number(struct json_writer *w, const char *key, int64_t value) {
    json_key(w, key);
    json_put_i64(w, value);
}

static void put_texts(struct json_writer *w, const char *key, const struct str *items, size_t n) {
    json_key(w, key);
    json_open_array(w);
    for (size_t i = 0; i < n; i++) json_put_str(w, items[i]);
    json_close_array(w);
}

/* null where there is no such time: 0 and INT64_MAX. */
static void put_time(struct json_writer *w, const char *key, int64_t ms) {
    json_key(w, key);
    if (ms > 0 && ms != INT64_MAX) {
        json_put_time(w, ms);
    } else {
        json_put_null(w);
    }
}

static void put_verdict(struct json_writer *w, const char *key, enum verdict verdict) {
    json_key(w, key);
    if (verdict == VERDICT_OPEN) {
        json_put_null(w);
    } else {
        json_put_bool(w, verdict == VERDICT_PASSED);
    }
}

static void put_values(struct json_writer *w, const struct check *c) {
    json_key(w, "values");
    json_open_object(w);
    for (size_t i = 0; i < c->values.n; i++) {
        json_key_str(w, c->values.items[i].name);
        if (c->values.items[i].there) {
            json_put_value(w, &c->values.items[i].value);
        } else {
            json_put_null(w);
        }
    }
    json_close_object(w);
}

static void put_expression(struct json_writer *w, struct arena *a, const struct check *c, const struct question *q) {
    if (c->has_values) put_values(w, c);
    if (c->needs.n) put_texts(w, "needs", c->needs.items, c->needs.n);
    if (c->place.in != PLACE_NONE) put_text(w, "part", rule_part_pointer(a, &c->place, q->rule, q->time_ms));
    if (c->stopped) put_text(w, "stopped", str_of(c->stopped));
}

static void put_amount(struct json_writer *w, const struct check *c, const struct currency *currency) {
    put_text(w, "currency", currency->code);
    if (c->has_bounds && c->least == c->most) put_number(w, "amount", c->least);
    if (!c->has_bounds || c->least == c->most) return;
    put_number(w, "least", c->least);
    put_number(w, "most", c->most);
}

static void put_cap(struct json_writer *w, const struct check *c, const struct currency *currency) {
    put_text(w, "currency", currency->code);
    put_number(w, "amount", c->of);
    put_number(w, "used", c->used);
    put_number(w, "left", c->left);
    put_time(w, "resets_at", c->at);
}

static void put_limit(struct json_writer *w, const struct check *c, const struct rule_limit *l) {
    json_key(w, "per");
    json_put_z(w, period_name(l->per));
    put_number(w, "used", c->used);
    put_number(w, "of", c->of);
    put_time(w, "resets_at", c->at);
}

static void put_figures(struct json_writer *w, const struct check *c, const struct question *q, const struct member_state *s) {
    const struct rule *r = q->rule;
    switch (c->kind) {
    case CHECK_TENANT:
    case CHECK_ENABLED:
    case CHECK_AUDIENCE:
    case CHECK_CONDITION:
    case CHECK_GRANTS: break;
    case CHECK_MEMBER: put_text(w, "status", s->status == MEMBER_ACTIVE ? STR("active") : STR("suspended")); break;
    case CHECK_DATES:
        put_time(w, "starts_at", r->starts_at);
        put_time(w, "ends_at", r->ends_at);
        break;
    case CHECK_TYPE:
        put_text(w, "type", q->type);
        put_texts(w, "on", r->on, r->n_on);
        break;
    case CHECK_TYPES:
        json_key(w, "type");
        json_put_text(w, s->type);
        put_texts(w, "types", r->audience_types, r->n_audience_types);
        break;
    case CHECK_COUNT: put_text(w, "metric", r->counts[c->index].metric->code); break;
    case CHECK_LIMIT: put_limit(w, c, &r->limits[c->index]); break;
    case CHECK_COOLDOWN:
        put_number(w, "cooldown_s", r->cooldown_ms / MS_SECOND);
        put_time(w, "next_at", c->at);
        break;
    case CHECK_AMOUNT: put_amount(w, c, r->grants[c->index].currency); break;
    case CHECK_CAP: put_cap(w, c, r->grants[c->index].currency); break;
    }
}

static const char *check_name(enum check_kind kind) {
    static const char *const names[] = {
        [CHECK_TENANT] = "tenant", [CHECK_MEMBER] = "member",  [CHECK_ENABLED] = "enabled",   [CHECK_DATES] = "dates",
        [CHECK_TYPE] = "type",     [CHECK_TYPES] = "audience", [CHECK_AUDIENCE] = "audience", [CHECK_CONDITION] = "condition",
        [CHECK_COUNT] = "count",   [CHECK_GRANTS] = "grants",  [CHECK_LIMIT] = "limit",       [CHECK_COOLDOWN] = "cooldown",
        [CHECK_AMOUNT] = "amount", [CHECK_CAP] = "cap",
    };
    return names[kind];
}

void explanation_render(struct json_writer *w, struct arena *a, const struct explanation *x, const struct member_state *s) {
    put_verdict(w, "would_pay", x->would_pay);
    put_time(w, "next_at", x->next_at);
    json_key(w, "checks");
    json_open_array(w);
    for (size_t i = 0; i < x->checks.n; i++) {
        const struct check *c = &x->checks.items[i];
        json_open_object(w);
        json_key(w, "check");
        json_put_z(w, check_name(c->kind));
        put_verdict(w, "passed", c->verdict);
        put_figures(w, c, &x->asked, s);
        put_expression(w, a, c, &x->asked);
        json_close_object(w);
    }
    json_close_array(w);
}
