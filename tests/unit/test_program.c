/* What definitions compile to: the program that the engine works on (DESIGN 4 and 5; SEMANTICS 10, 20, 24, 26, 27, 35; REQUIREMENTS A and
 * D; ENCODINGS "Random amounts"), and the presets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "engine/state.h"
#include "tests/unit/compiling.h"

#define GOLDEN "tests/golden/config"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

#define assert_text(s, z) assert_string_equal(str_z(a, (s)), (z))

/* ---- what a program holds ---- */

static void nothing_defined_gives_the_defaults(void **state) {
    struct arena *a = *state;
    const struct program *p = program_of_text(a, "");
    assert_int_equal(p->tenant.v, 4);
    assert_int_equal(p->version, 7);
    assert_true(p->enabled);
    assert_int_equal(p->window_ms, 72 * 3600 * 1000); /* SEMANTICS 4 */
    assert_text(p->zone->name, "UTC");
    assert_int_equal(p->zone_no, 1);
    assert_null(p->zone_before);
    assert_int_equal(p->n_currencies + p->n_metrics + p->n_rules + p->n_ladders + p->n_types, 0);
    assert_null(program_type(p, STR("call.completed")));
    assert_int_equal(p->hot_worst, STATE_HOT_HEAD);
    assert_int_equal(p->cold_worst, STATE_COLD_HEAD);
    assert_int_equal(p->rounds_worst, 1);
}

/* DESIGN 4: the call centre. */
static void the_call_centre_compiles_to_its_numbers(void **state) {
    struct arena *a = *state;
    const struct program *p = program_of_file(a, GOLDEN "/call-center.json");
    const struct currency *points = program_currency(p, STR("points"));
    const struct ladder *career = program_ladder(p, STR("career"));
    const struct rule *rule = program_rule(p, STR("call-completed"));
    assert_true(points && career && rule);
    assert_true(points->has_cap && points->spendable && points->cap.ladder == career && points->cap.zone.of == ZONE_TENANT);
    assert_int_equal(points->cap.amount, 500);
    assert_int_equal(points->cap.plus_per_level, 50);
    assert_int_equal(career->first_level, 1);
    assert_int_equal(career->n_levels, 4);
    assert_true(career->currency == points);
    assert_int_equal(career->levels[3].at, 3000);
    assert_text(career->levels[3].name, "Silver");
    assert_text(career->levels[3].icon, "silver.svg");
    assert_text(career->levels[3].animation, "burst");
    assert_int_equal(career->levels[3].n_privileges, 2);
    assert_text(career->levels[3].privileges[1], "early-shift");
    assert_int_equal(career->levels[3].n_grants, 1);
    assert_int_equal(career->levels[3].grants[0].amount, 40);
    assert_int_equal(career->n_grant_each, 1);
    assert_int_equal(career->grant_each[0].amount, 100);
    assert_int_equal(career->grant_each[0].factors[0].multiply.digits, 125);
    assert_int_equal(career->grant_each[0].factors[0].multiply.places, 2);
    assert_null(career->grant_each[0].factors[0].when);
    assert_true(rule->enabled && !rule->count_when_paid && !rule->when && !rule->audience_when);
    assert_int_equal(rule->starts_at, 0);
    assert_int_equal(rule->ends_at, INT64_MAX);
    assert_int_equal(rule->cooldown_ms, 0);
    assert_int_equal(rule->n_counts, 1);
    assert_int_equal(rule->counts[0].by, 1000);
    assert_text(rule->counts[0].metric->code, "calls");
    assert_int_equal(rule->grants[0].how, AMOUNT_FIXED);
    assert_int_equal(rule->grants[0].amount, 10);
    assert_non_null(rule->grants[0].factors[0].when);
    assert_text(rule->grants[0].factors[0].why, "perfect call");
    assert_int_equal(rule->limits[0].count, 200);
    assert_int_equal(rule->limits[0].per, PERIOD_DAY);
    assert_int_equal(rule->limits[0].zone.of, ZONE_TENANT);
    assert_int_equal(p->rounds_worst, 1 + 3); /* the ladder's grants feed the ladder: at most its three levels above the first */
}

/* SEMANTICS 26: a metric that is only counted gets the defaults. */
static void metrics_have_zones_and_periods(void **state) {
    struct arena *a = *state;
    const struct program *p = program_of_file(a, GOLDEN "/everything.json");
    assert_int_equal(p->n_metrics, 3);
    const struct metric *hours = &p->metrics[0], *posts = &p->metrics[1], *words = &p->metrics[2];
    assert_text(hours->code, "hours");
    assert_text(hours->name, "Hours");
    assert_int_equal(hours->zone.of, ZONE_MEMBER);
    assert_int_equal(hours->periods, 1 << PERIOD_MONTH | 1 << PERIOD_EVER);
    assert_int_equal(posts->zone.of, ZONE_NAMED);
    assert_text(posts->zone.zone->name, "Pacific/Auckland");
    assert_int_equal(posts->periods, 1 << PERIOD_DAY);
    assert_text(words->code, "words");
    assert_int_equal(words->zone.of, ZONE_TENANT);
    assert_int_equal(words->periods, 1 << PERIOD_DAY | 1 << PERIOD_WEEK | 1 << PERIOD_MONTH | 1 << PERIOD_EVER);
    assert_int_equal(program_rule(p, STR("posted"))->counts[1].by, 1); /* 0.001 */
}

/* A3, A4, A6, A7, A9, A10; SEMANTICS 10: high priority first, then by code. */
static void rules_hold_all_their_fields(void **state) {
    struct arena *a = *state;
    const struct program *p = program_of_file(a, GOLDEN "/everything.json");
    assert_false(p->enabled); /* SEMANTICS 27 */
    assert_int_equal(p->window_ms, 3600 * 1000);
    assert_int_equal(p->rates[RATE_SELF].count, 5);
    assert_int_equal(p->rates[RATE_SELF].period_ms, 1000);
    assert_int_equal(p->rates[RATE_EVENTS].count, 9000);
    assert_int_equal(p->rates[RATE_EVENTS].period_ms, 86400 * 1000);
    assert_int_equal(p->rates[RATE_READS].count, 0);
    assert_text(p->zone->name, "Europe/Berlin");
    assert_text(p->rules[0].code, "first-of-the-day");
    assert_text(p->rules[1].code, "posted");
    assert_text(p->rules[2].code, "volunteered");
    const struct rule *r = &p->rules[1];
    assert_int_equal(r->starts_at, INT64_C(1767225600000));
    assert_int_equal(r->ends_at, INT64_C(1798758000000)); /* an hour before UTC's midnight */
    assert_int_equal(r->n_audience_types, 2);
    assert_text(r->audience_types[1], "paid");
    assert_true(r->audience_when && r->when && r->count_when_paid);
    assert_int_equal(r->cooldown_ms, 60000);
    assert_int_equal(r->n_limits, 5);
    static const enum period_kind kinds[] = {PERIOD_HOUR, PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH, PERIOD_EVER};
    for (size_t i = 0; i < COUNT(kinds); i++) assert_int_equal(r->limits[i].per, kinds[i]);
    assert_int_equal(r->limits[0].zone.of, ZONE_MEMBER);
    assert_text(r->limits[3].zone.zone->name, "Europe/Paris");
    assert_int_equal(r->n_grants, 2);
    assert_int_equal(r->grants[0].how, AMOUNT_RANDOM);
    assert_int_equal(r->grants[0].low, 20);
    assert_int_equal(r->grants[0].high, 35);
    assert_int_equal(r->grants[0].n_factors, 3);
    assert_true(!r->grants[0].factors[0].has_multiply && r->grants[0].factors[0].has_add);
    assert_int_equal(r->grants[0].factors[0].add.digits, -25);
    assert_true(r->grants[0].factors[2].has_multiply && r->grants[0].factors[2].has_add);
    assert_int_equal(p->rules[2].grants[0].how, AMOUNT_EXPR);
    assert_non_null(p->rules[2].grants[0].expr);
    assert_non_null(p->rules[2].counts[0].by_expr);
    assert_true(json_equal(json_get(r->source, "code"), &(struct json){.type = JSON_STRING, .string = STR("posted")}));
}

static void types_lead_to_their_rules_in_order(void **state) {
    struct arena *a = *state;
    const struct program *p = program_of_file(a, GOLDEN "/everything.json");
    assert_int_equal(p->n_types, 3);
    const struct type_rules *posted = program_type(p, STR("message.posted"));
    assert_int_equal(posted->n, 2);
    assert_true(posted->rules[0] == &p->rules[0] && posted->rules[1] == &p->rules[1]);
    assert_int_equal(program_type(p, STR("shift.ended"))->n, 1);
    assert_true(program_type(p, STR("urn:com.example/call v1"))->rules[0] == &p->rules[0]);
    assert_null(program_type(p, STR("message")));
    assert_text(program_code(p, CODE_TYPE, posted->no), "message.posted");
}

static void everything_is_found_by_code_and_number(void **state) {
    struct arena *a = *state;
    const struct program *p = program_of_file(a, GOLDEN "/everything.json");
    for (size_t i = 0; i < p->n_rules; i++) {
        assert_true(program_rule_no(p, p->rules[i].no) == &p->rules[i]);
        assert_true(program_rule(p, p->rules[i].code) == &p->rules[i]);
        assert_true(str_eq(program_code(p, CODE_RULE, p->rules[i].no), p->rules[i].code));
    }
    for (size_t i = 0; i < p->n_metrics; i++) assert_true(program_metric_no(p, p->metrics[i].no) == &p->metrics[i]);
    for (size_t i = 0; i < p->n_ladders; i++) assert_true(program_ladder_no(p, p->ladders[i].no) == &p->ladders[i]);
    for (size_t i = 0; i < p->n_currencies; i++) assert_true(program_currency_no(p, p->currencies[i].no) == &p->currencies[i]);
    assert_null(program_rule_no(p, 99));
    assert_null(program_metric_no(p, 0));
    assert_null(program_currency_no(p, 99));
    assert_null(program_ladder_no(p, 0));
    assert_null(program_rule(p, STR("xp")));
    assert_int_equal(program_code(p, CODE_RULE, 99).n, 0);
}

/* ---- levels (SEMANTICS 20) ---- */

static int64_t level_at(const struct ladder *l, int64_t lifetime) { return l->first_level + (int64_t)ladder_index(l, lifetime); }

static void formulas_become_tables(void **state) {
    struct arena *a = *state;
    const struct program *p = program_of_file(a, GOLDEN "/everything.json");
    const struct ladder *tiers = program_ladder(p, STR("tiers")), *curve = program_ladder(p, STR("curve"));
    assert_int_equal(tiers->n_levels, 100);
    assert_int_equal(level_at(tiers, 5850), 12);
    assert_int_equal(5850 - tiers->levels[11].at, 350);
    assert_int_equal(level_at(tiers, 6000), 13);
    assert_int_equal(level_at(tiers, 0), 1);
    assert_int_equal(level_at(tiers, 499), 1);
    assert_int_equal(level_at(tiers, 500), 2);
    assert_int_equal(level_at(tiers, 99 * 500 - 1), 99);
    assert_int_equal(level_at(tiers, BALANCE_MAX), 100);
    assert_int_equal(level_at(tiers, -1), 1);
    assert_int_equal(curve->n_levels, 101); /* 0 … 100 */
    static const int64_t at[] = {0, 100, 255, 475, 770, 1150};
    for (size_t i = 0; i < COUNT(at); i++) assert_int_equal(curve->levels[i].at, at[i]);
    assert_int_equal(curve->levels[100].at, 1899250); /* 5·Σl² + 50·Σl + 100·100 for l = 0 … 99 */
    assert_int_equal(level_at(curve, 99), 0);
    assert_int_equal(level_at(curve, 100), 1);
    assert_int_equal(p->rounds_worst, 1); /* no ladder pays what a ladder stands on */
}

/* ---- random numbers are counted in document order (ENCODINGS) ---- */

static void rand_is_counted_in_document_order(void **state) {
    struct arena *a = *state;
    const struct program *p = program_of_text(
        a, "{\"code\":\"r\",\"kind\":\"rule\",\"grant\":["
           "{\"factors\":[{\"when\":{\"===\":[1,{\"rand\":[1,2]}]},\"multiply\":2}],\"amount\":{\"random\":[1,5]},\"currency\":\"a\"},"
           "{\"currency\":\"b\",\"amount\":{\"rand\":[1,6]}},{\"currency\":\"c\",\"amount\":{\"random\":[2,2]}}],"
           "\"when\":{\"===\":[{\"rand\":[1,2]},{\"rand\":[1,2]}]},\"on\":[\"x\"]},"
           "{\"kind\":\"currency\",\"code\":\"a\"},{\"kind\":\"currency\",\"code\":\"b\"},{\"kind\":\"currency\",\"code\":\"c\"}");
    assert_int_equal(p->rules[0].grants[0].random_n, 2); /* after the two of `when`, before those of the factors */
    assert_int_equal(p->rules[0].grants[2].random_n, 5);
}

/* SEMANTICS 35: the service says from when the new zone counts. */
static void a_changed_zone_keeps_the_former_one(void **state) {
    struct arena *a = *state;
    struct compile_in in = {.zone_before = STR("America/New_York"), .zone_from_ms = INT64_C(1795237200000)};
    struct compiled *c = document_compile(a, document_of(a, "{\"kind\":\"settings\",\"zone\":\"Europe/Berlin\"}"), in);
    assert_int_equal(c->problem, P_OK);
    assert_text(c->program->zone->name, "Europe/Berlin");
    assert_int_equal(c->program->zone_no, 1);
    assert_text(c->program->zone_before->name, "America/New_York");
    assert_int_equal(c->program->zone_before_no, 9);
    assert_int_equal(c->program->zone_from_ms, INT64_C(1795237200000));
}

/* ---- the state row (MECHANICS 1) ---- */

static struct counter *add_counter(struct arena *a, struct member_state *s, enum counter_kind what, uint16_t no, enum period_kind kind) {
    struct counter *counter = LIST_PUSH(a, &s->counters);
    *counter = (struct counter){.what = what, .no = no, .kind = kind, .start = kind == PERIOD_EVER ? 0 : 3600000, .value = 1};
    return counter;
}

/* A member who has used everything of a program. */
static struct member_state full_state(struct arena *a, const struct program *p) {
    struct member_state s = {.tenant = p->tenant, .member = {1}};
    char *type = arena_alloc(a, CODE_BYTES_MAX);
    s.type = (struct str){memset(type, 'x', CODE_BYTES_MAX), CODE_BYTES_MAX};
    for (size_t i = 0; i < p->n_currencies; i++) {
        LIST_PUSH(a, &s.wallets)->currency = p->currencies[i].no;
        LIST_PUSH(a, &s.lifetimes)->currency = p->currencies[i].no;
    }
    for (size_t i = 0; i < p->n_metrics; i++)
        for (unsigned kind = 0; kind < PERIOD__MAX; kind++)
            if (p->metrics[i].periods & 1u << kind) add_counter(a, &s, COUNTER_METRIC, p->metrics[i].no, kind);
    for (size_t i = 0; i < p->n_currencies; i++)
        if (p->currencies[i].has_cap) add_counter(a, &s, COUNTER_CAP, p->currencies[i].no, PERIOD_DAY);
    for (size_t i = 0; i < p->n_rules; i++)
        for (unsigned kind = 0; kind < PERIOD__MAX; kind++)
            for (size_t k = 0; k < p->rules_by_no[i]->n_limits; k++)
                if (p->rules_by_no[i]->limits[k].per == kind) add_counter(a, &s, COUNTER_LIMIT, p->rules_by_no[i]->no, kind);
    for (size_t i = 0; i < p->n_rules; i++)
        if (p->rules_by_no[i]->cooldown_ms) add_counter(a, &s, COUNTER_COOLDOWN, p->rules_by_no[i]->no, PERIOD_EVER);
    for (size_t i = 0; i < p->n_currencies; i++) add_counter(a, &s, COUNTER_EARNED, p->currencies[i].no, PERIOD_DAY);
    for (size_t i = 0; i < p->n_ladders; i++) LIST_PUSH(a, &s.ladders)->ladder = p->ladders[i].no;
    return s;
}

static void the_worst_case_is_the_size_of_a_full_state_row(void **state) {
    struct arena *a = *state;
    const struct program *p = program_of_file(a, GOLDEN "/everything.json");
    struct member_state s = full_state(a, p);
    assert_int_equal(state_hot_size(&s), p->hot_worst);
    assert_int_equal(state_cold_size(&s), p->cold_worst);
}

/* ---- presets ---- */

/* O2: the call centre's own numbers (its points table, its ten levels). */
static void the_call_center_preset_compiles(void **state) {
    struct arena *a = *state;
    const struct program *p = program_of_file(a, "presets/call-center/config.json");
    assert_true(p->enabled);
    assert_text(p->zone->name, "UTC");
    static const struct {
        const char *rule, *type, *metric;
        int64_t amount;
    } expected[] = {
        {"call-completed", "call.completed", "calls", 10},
        {"feedback-received", "feedback.received", "feedback", 3},
        {"lead-converted", "lead.converted", "conversions", 50},
        {"perfect-call", "call.completed", "perfect_calls", 0},
        {"quality-reviewed", "quality.reviewed", "quality_reviews", 5},
    };
    assert_int_equal(p->n_rules, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        const struct rule *rule = &p->rules[i];
        assert_text(rule->code, expected[i].rule);
        assert_text(rule->on[0], expected[i].type);
        assert_text(rule->counts[0].metric->code, expected[i].metric);
        assert_int_equal(rule->counts[0].by, 1000);
        assert_int_equal(rule->n_grants ? rule->grants[0].amount : 0, expected[i].amount);
    }
    const struct currency *points = program_currency(p, STR("points"));
    assert_int_equal(points->cap.amount, 500);
    assert_int_equal(points->cap.plus_per_level, 50);
    const struct ladder *career = points->cap.ladder;
    static const char *const names[] = {"Bronze", "Bronze", "Bronze", "Silver", "Silver", "Silver", "Gold", "Gold", "Gold", "Legend"};
    assert_int_equal(career->n_levels, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(career->levels[i].at, (int64_t)i * 1000);
        assert_text(career->levels[i].name, names[i]);
    }
    struct product each = product_of(career->grant_each[0].amount);
    int64_t amount;
    product_multiply(&each, career->grant_each[0].factors[0].multiply);
    assert_true(product_floor(&each, &amount));
    assert_int_equal(amount, 125); /* SEMANTICS 24 */
    assert_text(career->grant_each[0].factors[0].why, "level up");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_defined_gives_the_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_call_centre_compiles_to_its_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metrics_have_zones_and_periods, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rules_hold_all_their_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(types_lead_to_their_rules_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(everything_is_found_by_code_and_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(formulas_become_tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rand_is_counted_in_document_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_changed_zone_keeps_the_former_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_call_center_preset_compiles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_worst_case_is_the_size_of_a_full_state_row, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
