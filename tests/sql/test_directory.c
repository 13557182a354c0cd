/* Lists of members: pages by id, by type, by status, by group, parts of names; and a member's outcomes backwards. */
#include "tests/sql/fixture.h"

#include <string.h>

#include "sql/directory.h"
#include "sql/events.h"

static const tenant_id T = {7};

static void put_key(const char *id, uint64_t no, enum member_status state) {
    struct member_key_row row = {.tenant = T, .external_id = str_of(id), .member = {no}, .has_key = state == MEMBER_ACTIVE, .state = state};
    assert_ok(member_keys_insert(db[CAROL], arena, &row, 1));
}

static struct str ids_page(const char *prefix, const char *after, size_t limit) {
    struct listed_key *keys;
    size_t n;
    struct buf b = buf_new(arena, 1024);
    assert_ok(member_keys_page(db[CAROL], arena, T, str_of(prefix), str_of(after), limit, &keys, &n));
    for (size_t i = 0; i < n; i++) buf_f(&b, STR_FMT "=%llu ", STR_ARG(keys[i].external_id), (unsigned long long)keys[i].member.v);
    return buf_str(&b);
}

static void keys_in_use_come_by_id(void **state) {
    (void)state;
    put_key("ann", 4, MEMBER_ACTIVE);
    put_key("anna", 2, MEMBER_ACTIVE);
    put_key("ann\xc3\xa9", 3, MEMBER_ACTIVE);
    put_key("bob", 1, MEMBER_ACTIVE);
    put_key("zoe", 5, MEMBER_ERASED);
    side("INSERT INTO member_key VALUES (8, 'anne', 9, NULL, 0)");
    assert_str(ids_page("", "", 10), "ann=4 anna=2 ann\xc3\xa9=3 bob=1 ");
    assert_str(ids_page("", "anna", 10), "ann\xc3\xa9=3 bob=1 ");
    assert_str(ids_page("", "", 2), "ann=4 anna=2 ");
    assert_str(ids_page("ann", "", 10), "ann=4 anna=2 ann\xc3\xa9=3 ");
    assert_str(ids_page("ann", "ann", 10), "anna=2 ann\xc3\xa9=3 ");
    assert_str(ids_page("ann\xc3\xa9", "", 10), "ann\xc3\xa9=3 ");
    assert_str(ids_page("c", "", 10), "");
}

static void put_profile(uint64_t no, const char *name, const char *type, enum member_status status) {
    struct profile_row p = {.m = {T, {no}}, .display_name = str_of(name), .type = str_of(type), .status = status};
    assert_ok(profile_write(db[CAROL], arena, &p));
}

/* Numbers, with a * where the name fits. */
static struct str profiles(struct profiles_of of, uint64_t after, size_t limit) {
    struct listed_profile *found;
    size_t n;
    struct buf b = buf_new(arena, 1024);
    assert_ok(profiles_page(db[CAROL], arena, T, &of, (member_no){after}, limit, &found, &n));
    for (size_t i = 0; i < n; i++) buf_f(&b, "%llu%s ", (unsigned long long)found[i].profile.m.member.v, found[i].name_fits ? "*" : "");
    return buf_str(&b);
}

static void fill_profiles(void) {
    put_profile(1, "Ada Lovelace", "agent", MEMBER_ACTIVE);
    put_profile(2, "Jos\xc3\xa9 \xc3\x89vora", "agent", MEMBER_SUSPENDED);
    put_profile(3, "100 % | a_b \\ 'x'", "", MEMBER_ACTIVE);
    put_profile(4, "", "lead", MEMBER_SUSPENDED);
    side("INSERT INTO member_profile VALUES (8, 5, 'Ada', '', '', 'agent', 1)");
}

static void profiles_come_by_number_of_all_or_of_a_type_or_a_status(void **state) {
    (void)state;
    fill_profiles();
    assert_str(profiles((struct profiles_of){PROFILES_ALL}, 0, 10), "1* 2* 3* 4* ");
    assert_str(profiles((struct profiles_of){PROFILES_ALL}, 1, 2), "2* 3* ");
    assert_str(profiles((struct profiles_of){PROFILES_TYPE, .type = STR("agent")}, 0, 10), "1* 2* ");
    assert_str(profiles((struct profiles_of){PROFILES_TYPE, .type = STR("agent")}, 1, 10), "2* ");
    assert_str(profiles((struct profiles_of){PROFILES_STATUS, .status = MEMBER_SUSPENDED}, 0, 10), "2* 4* ");
    assert_str(profiles((struct profiles_of){PROFILES_STATUS, .status = MEMBER_SUSPENDED}, 2, 10), "4* ");
}

static void parts_of_names_fit_whatever_their_case_and_accents(void **state) {
    (void)state;
    fill_profiles();
    static const struct {
        const char *part, *fits;
    } cases[] = {
        {"love", "1* 2 3 4 "}, {"ADA L", "1* 2 3 4 "},     {"jose evora", "1 2* 3 4 "}, {"\xc3\xa9VO", "1 2* 3 4 "},
        {"a", "1* 2* 3* 4 "},  {"100 % | a", "1 2 3* 4 "}, {"a%b", "1 2 3 4 "},         {"a_b", "1 2 3* 4 "},
        {"d_ L", "1 2 3 4 "},  {"\\ 'x'", "1 2 3* 4 "},    {"|", "1 2 3* 4 "},          {"y", "1 2 3 4 "},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str found = profiles((struct profiles_of){PROFILES_ALL, .part = str_of(cases[i].part)}, 0, 10);
        if (!str_is(found, cases[i].fits)) fail_msg("%s: " STR_FMT, cases[i].part, STR_ARG(found));
    }
}

static void groups_are_replaced_as_a_whole(void **state) {
    (void)state;
    static const struct group_ref first[] = {{STR("team"), STR("red")}, {STR("gym"), STR("north")}},
                                  second[] = {{STR("team"), STR("blue")}};
    fill_profiles();
    assert_ok(db_begin(db[CAROL]));
    for (uint64_t no = 1; no <= 3; no++) assert_ok(member_groups_write(db[CAROL], arena, (struct member_ref){T, {no}}, first, 2));
    assert_ok(db_commit(db[CAROL]));
    struct profiles_of red = {PROFILES_GROUP, .kind = STR("team"), .code = STR("red")};
    assert_str(profiles(red, 0, 10), "1* 2* 3* ");
    assert_str(profiles(red, 1, 1), "2* ");
    assert_ok(db_begin(db[CAROL]));
    assert_ok(member_groups_write(db[CAROL], arena, (struct member_ref){T, {1}}, second, 1));
    assert_ok(member_groups_write(db[CAROL], arena, (struct member_ref){T, {2}}, NULL, 0));
    assert_ok(db_commit(db[CAROL]));
    assert_str(profiles(red, 0, 10), "3* ");
    assert_str(profiles((struct profiles_of){PROFILES_GROUP, .kind = STR("team"), .code = STR("blue")}, 0, 10), "1* ");
    assert_str(profiles((struct profiles_of){PROFILES_GROUP, .kind = STR("red"), .code = STR("team")}, 0, 10), "");
    assert_int_equal(side_number("SELECT COUNT(*) FROM member_group"), 3);
    assert_ok(member_erase_rows(db[CAROL], arena, (struct member_ref){T, {3}}));
    assert_int_equal(side_number("SELECT COUNT(*) FROM member_group"), 1);
    assert_int_equal(side_number("SELECT COUNT(*) FROM member_profile WHERE tenant_id = 7"), 3);
}

static void a_members_outcomes_come_newest_first(void **state) {
    (void)state;
    struct outcome_row *rows;
    size_t n;
    /* Lanes that do not agree on the day: versions 1 … 9 on days 103, 102, 101, 100, 103 … */
    side("INSERT INTO outcome SELECT 103 - x MOD 4, 1, x + 1, 0, 1, 7, 5, x + 1, 'c', 's' FROM numbers WHERE x < 9");
    side("INSERT INTO outcome VALUES (101, 2, 1, 0, 1, 8, 5, 99, 'c', 's'), (101, 2, 2, 0, 1, 7, 6, 99, 'c', 's')");
    assert_ok(outcomes_backwards(db[CAROL], arena, T, (member_no){5}, UINT64_MAX, 3, &rows, &n));
    assert_int_equal(n, 3);
    for (uint64_t i = 0; i < n; i++) assert_int_equal(rows[i].member_version, 9 - i);
    assert_ok(outcomes_backwards(db[CAROL], arena, T, (member_no){5}, 7, 10, &rows, &n));
    assert_int_equal(n, 6);
    for (uint64_t i = 0; i < n; i++) assert_int_equal(rows[i].member_version, 6 - i);
}

/* The server goes along an index and sorts nothing: a page costs what it shows. */
static void pages_are_read_in_the_order_of_an_index(void **state) {
    (void)state;
    static const struct {
        const char *key, *sql;
    } cases[] = {
        {"PRIMARY", "SELECT external_id FROM member_key FORCE INDEX (PRIMARY) WHERE tenant_id = 7 AND external_id >= 'a' AND "
                    "external_id > 'b' "
                    "AND external_id < 'c' AND state = 0 ORDER BY external_id LIMIT 10"},
        {"member_profile_type", "SELECT member_no FROM member_profile WHERE tenant_id = 7 AND member_type = 'agent' AND member_no > 5 "
                                "ORDER BY member_no LIMIT 10"},
        {"member_profile_status", "SELECT member_no FROM member_profile WHERE tenant_id = 7 AND status = 1 AND member_no > 5 "
                                  "ORDER BY member_no LIMIT 10"},
        {"PRIMARY", "SELECT member_no FROM member_group FORCE INDEX (PRIMARY) WHERE tenant_id = 7 AND group_kind = 'team' "
                    "AND group_code = 'red' AND member_no > 5 ORDER BY member_no LIMIT 10"},
        {"outcome_member", "SELECT * FROM outcome FORCE INDEX (outcome_member) WHERE tenant_id = 7 AND member_no = 5 "
                           "AND member_version < 200 ORDER BY member_version DESC LIMIT 2"},
    };
    side("INSERT INTO member_profile SELECT 7, x + 1, '', '', '', x MOD 50, x MOD 20 = 0 FROM numbers");
    side("ANALYZE TABLE member_profile");
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *explain = str_z(arena, str_printf(arena, "EXPLAIN FORMAT=TRADITIONAL %s", cases[i].sql));
        struct str key = side_row(explain, "key"), extra = side_row(explain, "Extra");
        if (!str_is(key, cases[i].key)) fail_msg(STR_FMT ": %s", STR_ARG(key), cases[i].sql);
        if (memmem(extra.p, extra.n, "filesort", 8) || memmem(extra.p, extra.n, "temporary", 9))
            fail_msg(STR_FMT ": %s", STR_ARG(extra), cases[i].sql);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_in_use_come_by_id, test_open, test_close),
        cmocka_unit_test_setup_teardown(profiles_come_by_number_of_all_or_of_a_type_or_a_status, test_open, test_close),
        cmocka_unit_test_setup_teardown(parts_of_names_fit_whatever_their_case_and_accents, test_open, test_close),
        cmocka_unit_test_setup_teardown(groups_are_replaced_as_a_whole, test_open, test_close),
        cmocka_unit_test_setup_teardown(a_members_outcomes_come_newest_first, test_open, test_close),
        cmocka_unit_test_setup_teardown(pages_are_read_in_the_order_of_an_index, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
