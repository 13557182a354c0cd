/* The clear and the sealed part of an outcome and their renderings (ENCODINGS "Outcome", SEMANTICS 3 and 24, requirement A15): the
 * golden files in tests/golden/outcome fix both for format 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/crypto/crypto.h"
#include "base/limits.h"
#include "engine/outcome.h"

#define T                 INT64_C(1795255200000) /* 2026-11-21T10:00:00.000Z */
#define DAY_START         (T - 11 * MS_HOUR)
#define MIDNIGHT          (T + 13 * MS_HOUR)
#define assert_text(s, z) assert_string_equal(str_z(a, (s)), (z))

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

static struct json *json_of(struct arena *a, const char *text) {
    struct faults faults = faults_new(a);
    struct json *v = NEW(a, struct json);
    assert_int_equal(json_parse(a, str_of(text), v, &faults), P_OK);
    return v;
}

/* A program by hand: what the golden answers need of one. */
static const struct currency currencies[] = {{.no = 1, .code = {"points", 6}}, {.no = 2, .code = {"xp", 2}}};
static const struct factor call_factors[] = {
    {.has_multiply = true, .multiply = {2, 0}, .why = {"perfect call", 12}},
    {.has_multiply = true, .has_add = true, .multiply = {15, 1}, .add = {25, 2}},
};
static const struct grant call_grants[] = {{.currency = &currencies[0], .factors = call_factors, .n_factors = 2},
                                           {.currency = &currencies[1]}};
static const char call_source[] =
    "{\"kind\":\"rule\",\"code\":\"call-completed\",\"on\":[\"call.completed\"],"
    "\"count\":[{\"metric\":\"calls\",\"by\":1},{\"metric\":\"talk-hours\",\"by\":{\"var\":\"event.data.hours\"}}],"
    "\"grant\":[{\"currency\":\"points\",\"amount\":10,\"factors\":["
    "{\"when\":{\"===\":[{\"var\":\"event.data.rating\"},5]},\"multiply\":2,\"why\":\"perfect call\"},{\"multiply\":1.5,\"add\":0.25}]},"
    "{\"currency\":\"xp\",\"amount\":{\"*\":[{\"var\":\"event.data.hours\"},\"x\"]}}]}";
static const char early_source[] =
    "{\"kind\":\"rule\",\"code\":\"early-bird\",\"audience\":{\"types\":[\"agent\"],\"when\":{\"var\":\"member.attributes.senior\"}},"
    "\"when\":{\"and\":[{\"===\":[{\"var\":\"event.data.channel\"},\"phone\"]},{\"<\":[{\"hour\":[]},9]}]}}";

static const struct str first_privileges[] = {{"choose-shift", 12}}, second_privileges[] = {{"early-lunch", 11}, {"own-desk", 8}};
static const struct factor level_factors[] = {{.has_multiply = true, .multiply = {125, 2}}};
static const struct grant level_each[] = {{.currency = &currencies[0], .factors = level_factors, .n_factors = 1}};
static const struct grant silver_grants[] = {{.currency = &currencies[0]}};
static const struct level levels[] = {
    {.at = 0, .name = {"Bronze", 6}},
    {.at = 1000, .name = {"Bronze", 6}, .privileges = first_privileges, .n_privileges = 1},
    {.at = 1100, .name = {"Silver", 6}, .privileges = second_privileges, .n_privileges = 2, .grants = silver_grants, .n_grants = 1},
    {.at = 9000},
};
static const struct ladder ladders[] = {{.no = 1,
                                         .code = {"career", 6},
                                         .currency = &currencies[0],
                                         .first_level = 1,
                                         .levels = levels,
                                         .n_levels = COUNT(levels),
                                         .grant_each = level_each,
                                         .n_grant_each = 1}};
static const struct code_number codes[] = {
    {CODE_CURRENCY, 1, {"points", 6}},    {CODE_CURRENCY, 2, {"xp", 2}},          {CODE_METRIC, 1, {"calls", 5}},
    {CODE_METRIC, 2, {"talk-hours", 10}}, {CODE_RULE, 1, {"call-completed", 14}}, {CODE_RULE, 2, {"early-bird", 10}},
    {CODE_RULE, 3, {"first-of-day", 12}}, {CODE_RULE, 9, {"old-rule", 8}},        {CODE_LADDER, 1, {"career", 6}},
    {CODE_LADDER, 9, {"old-ladder", 10}}, {CODE_TYPE, 1, {"call.completed", 14}},
};

static const struct program *program_by_hand(struct arena *a) {
    struct rule *rules = NEW_ARRAY(a, struct rule, 3);
    rules[0] = (struct rule){.no = 1,
                             .code = STR("call-completed"),
                             .name = STR("Call completed"),
                             .ends_at = INT64_MAX,
                             .grants = call_grants,
                             .n_grants = 2,
                             .source = json_of(a, call_source)};
    rules[1] = (struct rule){
        .no = 2, .code = STR("early-bird"), .starts_at = T + MS_HOUR, .ends_at = INT64_MAX, .source = json_of(a, early_source)};
    rules[2] = (struct rule){.no = 3, .code = STR("first-of-day"), .ends_at = T};
    const struct rule **by_no = NEW_ARRAY(a, const struct rule *, 3);
    for (size_t i = 0; i < 3; i++) by_no[i] = &rules[i];
    struct program *p = NEW(a, struct program);
    *p = (struct program){.version = 7,
                          .currencies = currencies,
                          .n_currencies = COUNT(currencies),
                          .rules = rules,
                          .n_rules = 3,
                          .rules_by_no = by_no,
                          .ladders = ladders,
                          .n_ladders = COUNT(ladders),
                          .codes = codes,
                          .n_codes = COUNT(codes)};
    return p;
}

static struct str file(struct arena *a, const char *name, const char *suffix, bool with_breaks) {
    struct str path = str_printf(a, "tests/golden/outcome/%s%s", name, suffix);
    FILE *f = fopen(str_z(a, path), "r");
    if (!f) fail_msg("run from the root of the project: " STR_FMT " is not there", STR_ARG(path));
    struct buf b = buf_new(a, 1024 * 1024);
    for (int c; (c = getc(f)) != EOF;)
        if (with_breaks || c != '\n') buf_c(&b, (char)c);
    fclose(f);
    return buf_str(&b);
}

static struct str golden_bytes(struct arena *a, const char *name) {
    struct str bytes;
    assert_true(hex_parse(a, file(a, name, ".hex", false), &bytes));
    return bytes;
}

static struct outcome golden(struct arena *a, const char *name) {
    struct outcome o;
    assert_true(outcome_decode(a, golden_bytes(a, name), &o));
    return o;
}

static struct str rendered(struct arena *a, const struct outcome *o, const char *reason, const char *actor, bool replayed) {
    struct buf b = buf_new(a, SIZE_MAX);
    struct json_writer w = json_writer_of(&b);
    const struct program *p = program_by_hand(a);
    if (o->change == CHANGE_ADJUSTMENT) {
        adjustment_render(&w, a, o, p, STR("agent-17"), str_of(reason), str_of(actor));
    } else {
        outcome_render(&w, a, o, p, STR("agent-17"), STR("dialer"), STR("c-8841"), replayed);
    }
    return buf_str(&b);
}

static const struct {
    const char *name, *reason, *actor;
} cases[] = {
    {"award", NULL, NULL},
    {"perfect-call", NULL, NULL},
    {"factors", NULL, NULL},
    {"capped", NULL, NULL},
    {"denied", NULL, NULL},
    {"level-up", NULL, NULL},
    {"retired", NULL, NULL},
    {"nothing", NULL, NULL},
    {"adjustment", "counted twice", "ann"},
    {"adjustment-level-up", "welcome", NULL},
};

static void golden_bytes_are_read_and_written_again(void **state) {
    struct arena *a = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct outcome o = golden(a, cases[i].name);
        if (!str_eq(outcome_encode(a, &o), golden_bytes(a, cases[i].name))) fail_msg("%s is written otherwise", cases[i].name);
    }
}

static void golden_outcomes_are_rendered_as_they_first_were(void **state) {
    struct arena *a = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct outcome o = golden(a, cases[i].name);
        struct str text = rendered(a, &o, cases[i].reason, cases[i].actor, false);
        assert_text(text, str_z(a, file(a, cases[i].name, ".json", false)));
    }
}

/* What a swap of two fields, made in the encoder and the decoder alike, would hide. */
static void golden_fields_are_where_the_layout_says(void **state) {
    struct arena *a = *state;
    struct outcome o = golden(a, "level-up");
    assert_int_equal(o.format, 1);
    assert_int_equal(o.change, CHANGE_EVENT);
    assert_int_equal(o.config_version, 7);
    assert_int_equal(o.event_time, T);
    assert_int_equal(o.settled_at, T + 250);
    assert_int_equal(o.type_no, 1);
    assert_true(position_eq(o.at, (struct position){20778, 3, 41, 0}));
    assert_int_equal(o.of, 1);
    assert_int_equal(o.member_version, 12);
    assert_int_equal(o.zone_no, 1);
    assert_int_equal(o.day_start, DAY_START);
    assert_int_equal(o.grants.n, 4);
    const struct grant_result *g = &o.grants.items[3];
    assert_int_equal(g->cause, CAUSE_LADDER);
    assert_int_equal(g->cause_no, 1);
    assert_int_equal(g->level, 3);
    assert_int_equal(g->grant, 1);
    assert_int_equal(g->kind, KIND_BONUS);
    assert_int_equal(g->contra, ACCOUNT_ISSUANCE);
    assert_int_equal(g->part, PART_AVAILABLE);
    assert_int_equal(g->seq, 64);
    assert_int_equal(g->uncapped, 7);
    assert_int_equal(g->balance_after, 1277);
    const struct counted *c = &o.counters.items[0];
    assert_int_equal(c->n_periods, 4);
    assert_int_equal(c->periods[0].kind, PERIOD_EVER);
    assert_int_equal(c->periods[0].start, 0);
    assert_int_equal(c->periods[1].kind, PERIOD_DAY);
    assert_int_equal(c->periods[1].start, DAY_START);
    assert_int_equal(c->periods[2].kind, PERIOD_WEEK);
    assert_int_equal(c->periods[2].start, DAY_START - 5 * MS_DAY);
    assert_int_equal(c->periods[3].kind, PERIOD_MONTH);
    assert_int_equal(c->periods[3].start, DAY_START - 20 * MS_DAY);

    o = golden(a, "capped");
    g = &o.grants.items[0];
    assert_int_equal(g->uncapped, 20);
    assert_int_equal(g->amount, 5);
    assert_int_equal(g->cap.amount, 500);
    assert_int_equal(g->cap.used, 500);
    assert_int_equal(g->cap.resets_at, MIDNIGHT);
    assert_int_equal(golden(a, "factors").grants.items[1].seq, INT64_C(0x1122334455667788));
}

/* ENCODINGS: at most about 300 bytes, here with two metrics in all their periods and two denials. */
static void an_ordinary_award_takes_less_than_300_bytes(void **state) {
    struct arena *a = *state;
    struct outcome o = golden(a, "perfect-call");
    for (int i = 0; i < 2; i++)
        *LIST_PUSH(a, &o.denied) = (struct denial){.rule = 2, .reason = REASON_INACTIVE, .next_at = T, .place = {.in = PLACE_DATES}};
    struct str text = outcome_encode(a, &o);
    assert_int_equal(text.n, 264);
}

static void periods_may_come_in_any_order(void **state) {
    struct arena *a = *state;
    struct outcome o = golden(a, "award");
    struct counted *c = &o.counters.items[0];
    for (size_t i = 0; i < 2; i++) {
        struct counted swapped = *c;
        c->periods[i] = swapped.periods[3 - i];
        c->periods[3 - i] = swapped.periods[i];
    }
    assert_int_equal(c->periods[0].kind, PERIOD_MONTH);
    assert_true(str_eq(outcome_encode(a, &o), golden_bytes(a, "award")));
}

/* What settling asks before anything is written: hundreds of levels crossed at once do not fit the column. */
static void the_size_is_known_before_the_encoding(void **state) {
    struct arena *a = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct outcome o = golden(a, cases[i].name);
        assert_int_equal(outcome_size(&o), golden_bytes(a, cases[i].name).n);
    }
    struct outcome o = golden(a, "level-up");
    struct grant_result each = o.grants.items[1];
    while (o.grants.n < 860) *LIST_PUSH(a, &o.grants) = each;
    assert_int_equal(outcome_encode(a, &o).n, 72 + 68 + 859 * 76 + 43 + 18);
    while (o.grants.n < 870) *LIST_PUSH(a, &o.grants) = each;
    assert_true(outcome_size(&o) > OUTCOME_BYTES_MAX);
}

/* The text with one byte changed. */
static bool accepts(struct arena *a, const char *name, size_t at, uint8_t value) {
    struct str text = golden_bytes(a, name);
    char *bytes = arena_copy(a, text.p, text.n);
    assert_true(at < text.n);
    bytes[at] = (char)value;
    struct outcome o;
    return outcome_decode(a, (struct str){bytes, text.n}, &o);
}

/* Invariant 6 and ENCODINGS: a text has one reading; damage of the database is seen, not guessed at. */
static void a_damaged_text_is_refused(void **state) {
    struct arena *a = *state;
    struct outcome o;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str text = golden_bytes(a, cases[i].name);
        for (size_t n = 0; n < text.n; n++) assert_false(outcome_decode(a, (struct str){text.p, n}, &o));
        struct buf longer = buf_new(a, text.n + 1);
        buf_add(&longer, text);
        buf_u8(&longer, 0);
        assert_false(outcome_decode(a, buf_str(&longer), &o));
    }
    enum { EVENT_TIME = 10, SETTLED_AT = 18, GRANT = 72, DENIAL = GRANT + 68, COUNTER = DENIAL + 11 };
    static const struct {
        size_t at;
        uint8_t good, bad;
    } bytes[] = {
        {0, 1, 0},
        {0, 1, 2},
        {1, CHANGE_EVENT, 0},
        {1, CHANGE_EVENT, CHANGE_ADJUSTMENT},
        {1, 1, CHANGE__MAX},
        {EVENT_TIME, 0, 0x80},
        {SETTLED_AT, 0, 0x80},
        {SETTLED_AT, 0, 1},
        {GRANT, 1, 0},
        {GRANT, 1, CAUSE_ADJUSTMENT},
        {GRANT, 1, 4},
        {GRANT + 6, 1, 0},
        {GRANT + 6, 12, 13},
        {GRANT + 7, 8, 9},
        {GRANT + 7, 1, 0},
        {GRANT + 8, 2, 3},
        {GRANT + 8, 1, 0},
        {GRANT + 25, 6, 7},
        {GRANT + 51, 0, 2},
        {DENIAL + 2, 2, 0},
        {DENIAL + 2, 10, 11},
        {DENIAL + 5, 2, 4},
        {DENIAL + 6, 9, 10},
        {DENIAL + 6, 1, 0},
        {COUNTER + 18, 29, 61},
        {GRANT + 26, 0, 1},
        {GRANT + 34, 0, 0xff},
        {GRANT + 42, 0x0d, 0x0e},
    };
    for (size_t i = 0; i < COUNT(bytes); i++) {
        if (!accepts(a, "award", bytes[i].at, bytes[i].good)) fail_msg("byte %zu = %d is refused", bytes[i].at, bytes[i].good);
        if (accepts(a, "award", bytes[i].at, bytes[i].bad)) fail_msg("byte %zu = %d is accepted", bytes[i].at, bytes[i].bad);
    }
}

/* A damaged place in a definition costs the steps, never a read beyond the definition. */
static void steps_of_no_known_grant_are_left_out(void **state) {
    struct arena *a = *state;
    for (uint8_t grant = 1; grant <= 3; grant++) {
        struct outcome o = golden(a, "level-up");
        o.grants.n = 4;
        o.grants.items[3].grant = grant;
        const char *text = strstr(str_z(a, rendered(a, &o, NULL, NULL, false)), "\"amount\":7,");
        assert_non_null(text);
        assert_int_equal(strstr(text, "\"steps\"") != NULL, grant == 1);
    }
}

/* SEMANTICS 3: within an array a repeat says so; everything else of it is the first answer. */
static void a_replay_differs_by_one_member_only(void **state) {
    struct arena *a = *state;
    struct outcome o = golden(a, "nothing");
    assert_text(rendered(a, &o, NULL, NULL, true),
                "{\"source\":\"dialer\",\"id\":\"c-8841\",\"status\":\"processed\",\"replayed\":true,\"member\":\"agent-17\","
                "\"config_version\":7,\"grants\":[],\"denied\":[],\"counters\":[],\"levels\":[],\"streaks\":[],\"goals\":[],"
                "\"badges\":[],\"pending\":[]}");
}

static void the_base_is_shown_exactly(void **state) {
    struct arena *a = *state;
    static const struct {
        struct decimal base;
        const char *shown;
    } bases[] = {
        {{10, 0}, "\"base\":10,"},
        {{25, 1}, "\"base\":2.5,"},
        {{2500, 3}, "\"base\":2.5,"},
        {{1, 6}, "\"base\":0.000001,"},
        {{-1, 6}, "\"base\":-0.000001,"},
        {{-1500000, 6}, "\"base\":-1.5,"},
        {{0, 3}, "\"base\":0,"},
        {{1000000000000000, 0}, "\"base\":1000000000000000,"},
        {{INT64_MIN, 6}, "\"base\":-9223372036854.775808,"},
    };
    for (size_t i = 0; i < COUNT(bases); i++) {
        struct outcome o = golden(a, "award");
        o.grants.items[0].base = bases[i].base;
        assert_non_null(strstr(str_z(a, rendered(a, &o, NULL, NULL, false)), bases[i].shown));
    }
}

static struct str source_of(struct arena *a, const struct outcome *o, size_t grant, const struct sealed *s) {
    struct buf b = buf_new(a, SIZE_MAX);
    struct json_writer w = json_writer_of(&b);
    transaction_source_render(&w, a, &o->grants.items[grant], o, s, program_by_hand(a));
    return buf_str(&b);
}

/* Requirement B3: a transaction says where it comes from. */
static void transactions_name_their_source(void **state) {
    struct arena *a = *state;
    struct sealed event = {.source = STR("dialer"), .id = STR("c-\"1"), .type = STR("call.completed")};
    struct sealed manual = {.reason = STR("welcome"), .actor = STR("ann")};
#define EVENT "\"event\":{\"source\":\"dialer\",\"id\":\"c-\\\"1\",\"type\":\"call.completed\"}}"
    struct outcome o = golden(a, "level-up");
    assert_text(source_of(a, &o, 0, &event), "{\"rule\":\"call-completed\"," EVENT);
    assert_text(source_of(a, &o, 1, &event), "{\"ladder\":\"career\",\"level\":2," EVENT);
    o = golden(a, "retired");
    assert_text(source_of(a, &o, 0, &event), "{\"rule\":\"old-rule\"," EVENT);
    o = golden(a, "adjustment-level-up");
    assert_text(source_of(a, &o, 0, &manual), "{\"adjustment\":true,\"actor\":\"ann\"}");
    assert_text(source_of(a, &o, 1, &manual), "{\"ladder\":\"career\",\"level\":2,\"adjustment\":true,\"actor\":\"ann\"}");
    manual.actor = STR("");
    assert_text(source_of(a, &o, 0, &manual), "{\"adjustment\":true,\"actor\":null}");
}

static void transactions_have_a_description(void **state) {
    struct arena *a = *state;
    const struct program *p = program_by_hand(a);
    struct sealed s = {.source = STR("dialer"), .id = STR("c-1"), .type = STR("call.completed"), .reason = STR("counted twice")};
    struct outcome o = golden(a, "level-up");
    assert_text(transaction_description(a, &o.grants.items[0], &o, &s, p), "Call completed");
    assert_text(transaction_description(a, &o.grants.items[3], &o, &s, p), "Level 3: Silver");
    o.grants.items[3].level = 4;
    assert_text(transaction_description(a, &o.grants.items[3], &o, &s, p), "Level 4");
    o.grants.items[0].cause_no = 2;
    assert_text(transaction_description(a, &o.grants.items[0], &o, &s, p), "early-bird");
    s.context = json_of(a, "{\"reference\":\"r\",\"description\":\"Call with Müller\"}");
    assert_text(transaction_description(a, &o.grants.items[0], &o, &s, p), "Call with Müller");
    s.context = json_of(a, "{\"reference\":\"r\"}");
    assert_text(transaction_description(a, &o.grants.items[0], &o, &s, p), "early-bird");
    o = golden(a, "adjustment");
    s.context = NULL;
    assert_text(transaction_description(a, &o.grants.items[0], &o, &s, p), "counted twice");
}

static void sealed_parts_are_read_as_they_were_written(void **state) {
    struct arena *a = *state;
    static const char *const texts[] = {
        "{\"source\":\"dialer\",\"id\":\"c-8841\",\"type\":\"call.completed\"}",
        "{\"source\":\"a\",\"id\":\"b\",\"type\":\"c\",\"data\":{\"rating\":5,\"b\":[1.5,null,true,{\"\":\"ü\\n\"}]},\"context\":{}}",
        "{\"source\":\"a\",\"id\":\"b\",\"type\":\"c\",\"context\":{\"metadata\":{\"x\":[]}}}",
        "{\"reason\":\"counted twice\",\"actor\":\"ann\"}",
        "{\"reason\":\"welcome\"}",
        "{\"reason\":\"\"}",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct sealed s;
        assert_true(sealed_decode(a, str_of(texts[i]), &s));
        assert_text(sealed_encode(a, &s), texts[i]);
    }
    struct sealed s;
    assert_true(sealed_decode(a, str_of(texts[1]), &s));
    assert_text(s.source, "a");
    assert_text(s.id, "b");
    assert_text(s.type, "c");
    assert_true(json_get(s.data, "rating")->number == 5);
    assert_int_equal(s.context->n, 0);
    assert_true(sealed_decode(a, str_of(texts[3]), &s));
    assert_int_equal(s.source.n, 0);
    assert_text(s.reason, "counted twice");
    assert_text(s.actor, "ann");
}

/* Whatever number an event may carry can be read back from its sealed part. */
static void sealed_numbers_come_back(void **state) {
    struct arena *a = *state;
    static const char *const numbers[] = {"9007199254740992",
                                          "-9007199254740992",
                                          "9.007199254740994e15",
                                          "9007199254740994.0",
                                          "1.2345678901234567e16",
                                          "1e16",
                                          "1e17",
                                          "1.7976931348623157e308",
                                          "5e-324",
                                          "0.1",
                                          "-0.0",
                                          "1.15"};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        const struct json *data = json_of(a, str_z(a, str_printf(a, "{\"v\":%s}", numbers[i])));
        struct sealed in = {.source = STR("a"), .id = STR("b"), .type = STR("c"), .data = data}, out;
        if (!sealed_decode(a, sealed_encode(a, &in), &out)) fail_msg("%s is written so that it cannot be read", numbers[i]);
        assert_true(json_equal(out.data, data));
    }
}

/* So can the deepest data: a CloudEvent in binary mode has them as its body. */
static void sealed_data_may_be_as_deep_as_a_body(void **state) {
    struct arena *a = *state;
    struct json *data = json_of(a, "{}");
    for (int i = 1; i < JSON_DEPTH_MAX; i++)
        data = json_of(a, str_z(a, str_printf(a, "{\"a\":" STR_FMT "}", STR_ARG(json_to_text(a, data)))));
    struct sealed in = {.source = STR("a"), .id = STR("b"), .type = STR("c"), .data = data}, out;
    assert_true(sealed_decode(a, sealed_encode(a, &in), &out));
    assert_true(json_equal(out.data, data));
}

static void only_what_was_written_is_read_as_sealed(void **state) {
    struct arena *a = *state;
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"source\":\"a\",\"id\":\"b\",\"type\":\"c\"",
        "{\"source\":\"a\",\"id\":\"b\",\"type\":\"c\"} ",
        "{\"source\": \"a\",\"id\":\"b\",\"type\":\"c\"}",
        "{\"id\":\"b\",\"source\":\"a\",\"type\":\"c\"}",
        "{\"source\":\"a\",\"id\":\"b\"}",
        "{\"source\":\"a\",\"id\":5,\"type\":\"c\"}",
        "{\"source\":\"a\",\"id\":\"b\",\"type\":\"c\",\"data\":null}",
        "{\"source\":\"a\",\"id\":\"b\",\"type\":\"c\",\"data\":[]}",
        "{\"source\":\"a\",\"id\":\"b\",\"type\":\"c\",\"more\":1}",
        "{\"source\":\"a\",\"id\":\"b\",\"type\":\"c\",\"reason\":\"r\"}",
        "{\"source\":\"\",\"id\":\"b\",\"type\":\"c\"}",
        "{\"reason\":\"r\",\"actor\":\"\"}",
        "{\"actor\":\"ann\"}",
        "{\"reason\":\"\\u0041\"}",
        "{\"source\":\"a\",\"id\":\"b\",\"type\":\"c\",\"data\":{\"n\":1.0}}",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct sealed s;
        if (sealed_decode(a, str_of(texts[i]), &s)) fail_msg("accepted: %s", texts[i]);
    }
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(golden_bytes_are_read_and_written_again),
        TEST(golden_outcomes_are_rendered_as_they_first_were),
        TEST(golden_fields_are_where_the_layout_says),
        TEST(an_ordinary_award_takes_less_than_300_bytes),
        TEST(periods_may_come_in_any_order),
        TEST(the_size_is_known_before_the_encoding),
        TEST(a_damaged_text_is_refused),
        TEST(a_replay_differs_by_one_member_only),
        TEST(steps_of_no_known_grant_are_left_out),
        TEST(the_base_is_shown_exactly),
        TEST(transactions_name_their_source),
        TEST(transactions_have_a_description),
        TEST(sealed_parts_are_read_as_they_were_written),
        TEST(sealed_numbers_come_back),
        TEST(sealed_data_may_be_as_deep_as_a_body),
        TEST(only_what_was_written_is_read_as_sealed),
    };
    return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
