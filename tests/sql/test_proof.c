/* What verify and the roll-up read (sql/proof.h), and what is remembered of retention (sql/retention.h). */
#include "tests/sql/fixture.h"

#include <string.h>

#include "sql/proof.h"
#include "sql/retention.h"

static const tenant_id T = {7};
static const struct member_ref M = {{7}, {5}};

static void outcome(uint32_t day, unsigned lane, unsigned n, unsigned i, unsigned tenant, unsigned member, unsigned version) {
    side("INSERT INTO outcome VALUES (%u, %u, %u, %u, 1, %u, %u, %u, 'clear', 'sealed')", day, lane, n, i, tenant, member, version);
}

/* ---- the outcomes of a member, page by page ---- */

static size_t page(uint64_t *version, size_t limit) {
    struct outcome_row *rows;
    size_t n;
    assert_ok(outcomes_of_member_from(db[CAROL], arena, M, version, limit, &rows, &n));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(rows[i].member.v, M.member.v);
        assert_str(rows[i].sealed, "sealed");
        if (i > 0) assert_true(rows[i].member_version >= rows[i - 1].member_version);
    }
    return n;
}

static void pages_go_by_version_whatever_the_day(void **state) {
    (void)state;
    for (unsigned n = 1; n <= 10; n++) outcome(103 - n % 4, 1 + n % 3, n, 0, 7, 5, n);
    outcome(101, 1, 50, 0, 7, 6, 1);
    outcome(101, 1, 51, 0, 8, 5, 1);
    uint64_t version = 0;
    assert_int_equal(page(&version, 5), 4); /* of version 5 there may be another */
    assert_int_equal(version, 5);
    assert_int_equal(page(&version, 5), 4);
    assert_int_equal(version, 9);
    assert_int_equal(page(&version, 5), 2);
    assert_int_equal(version, 0);
}

static void rows_of_one_version_come_together(void **state) {
    (void)state;
    for (unsigned n = 1; n <= 40; n++) outcome(n <= 20 ? 100 : 101, 1, n, 0, 7, 5, n <= 10 ? 1 : 2);
    uint64_t version = 0;
    assert_int_equal(page(&version, 2), 10);
    assert_int_equal(version, 2);
    assert_int_equal(page(&version, 30), 30); /* just full: nobody can tell yet that this was all */
    assert_int_equal(version, 0);
}

static void a_member_without_outcomes_has_an_empty_page(void **state) {
    (void)state;
    uint64_t version = 0;
    assert_int_equal(page(&version, 2), 0);
    assert_int_equal(version, 0);
}

/* ---- lanes ---- */

static void stripes_come_by_day_and_lane(void **state) {
    (void)state;
    static const struct {
        uint32_t day;
        uint16_t lane;
    } wanted[] = {{100, 2}, {100, 4}, {101, 1}, {30000, 65535}};
    for (size_t i = 0; i < COUNT(wanted); i++) {
        outcome(wanted[i].day, wanted[i].lane, 1, 0, 7, 5, 1);
        outcome(wanted[i].day, wanted[i].lane, 2, 0, 8, 5, 1);
    }
    uint32_t day = 0;
    uint16_t lane = 0;
    for (size_t i = 0; i < COUNT(wanted); i++) {
        assert_ok(stripe_next(db[CAROL], arena, &day, &lane));
        assert_int_equal(day, wanted[i].day);
        assert_int_equal(lane, wanted[i].lane);
    }
    assert_result(stripe_next(db[CAROL], arena, &day, &lane), "not-found");
}

static void a_lane_is_read_by_day_without_what_is_sealed(void **state) {
    (void)state;
    outcome(100, 1, 1, 0, 7, 5, 1);
    outcome(100, 1, 2, 1, 7, 6, 1);
    outcome(100, 1, 2, 0, 8, 5, 1);
    outcome(100, 2, 3, 0, 7, 5, 2);
    outcome(101, 1, 3, 0, 7, 5, 3);
    struct outcome_row *rows;
    size_t n;
    assert_ok(lane_clear(db[CAROL], arena, 100, 1, 1, 10, &rows, &n));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].tenant.v, 8);
    assert_int_equal(rows[1].at.i, 1);
    assert_str(rows[1].clear, "clear");
    assert_int_equal(rows[1].sealed.n, 0);
    assert_ok(lane_clear(db[CAROL], arena, 100, 1, 0, 2, &rows, &n));
    assert_int_equal(n, 2);
    assert_int_equal(rows[1].at.n, 2);
}

/* ---- members and their rows ---- */

static void damaged_rows_come_as_text(void **state) {
    (void)state;
    struct state_text *states;
    struct closed_text *closed;
    size_t n;
    side("INSERT INTO member_state VALUES (7, 5, 3, 'no', 'encoding'), (7, 6, 1, '', ''), (8, 5, 1, '', '')");
    side("INSERT INTO member_period VALUES (7, 5, 99, -1, 'neither')");
    assert_ok(states_slice_text(db[CAROL], arena, T, (member_no){0}, 10, &states, &n));
    assert_int_equal(n, 2);
    assert_int_equal(states[0].version, 3);
    assert_str(states[0].hot, "no");
    assert_str(states[0].cold, "encoding");
    assert_ok(states_slice_text(db[CAROL], arena, T, (member_no){5}, 10, &states, &n));
    assert_int_equal(n, 1);
    assert_ok(closed_of_member_text(db[CAROL], arena, M, &closed, &n));
    assert_int_equal(n, 1);
    assert_int_equal(closed->kind, 99);
    assert_int_equal(closed->start, -1);
    assert_str(closed->counters, "neither");
}

static void members_are_found_by_their_rows(void **state) {
    (void)state;
    member_no *found;
    size_t n;
    for (unsigned m = 1; m <= 5; m++) {
        side("INSERT INTO entry VALUES (7, %u, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, '', 1, ''), (7, %u, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, '', "
             "1, '')",
             m, m);
        outcome(100, 1, m, 0, 7, 10 * m, 1);
    }
    assert_ok(members_with_entries(db[CAROL], arena, T, (member_no){1}, (member_no){4}, &found, &n));
    assert_int_equal(n, 3);
    assert_int_equal(found[0].v, 2);
    assert_int_equal(found[2].v, 4);
    assert_ok(members_with_outcomes(db[CAROL], arena, T, (member_no){10}, (member_no){UINT64_MAX}, &found, &n));
    assert_int_equal(n, 4);
    assert_int_equal(found[3].v, 50);
}

static void identities_come_in_order(void **state) {
    (void)state;
    struct identity_text *rows;
    size_t n;
    for (unsigned i = 1; i <= 3; i++) side("INSERT INTO event_identity VALUES (7, REPEAT(CHAR(%u), 16), '', 1, 2, 3, %u, 4, 5)", i, i);
    assert_ok(identities_slice(db[CAROL], arena, T, NULL, 2, &rows, &n));
    assert_int_equal(n, 2);
    assert_int_equal(rows[1].row.at.i, 2);
    assert_int_equal(rows[1].received_day, 5);
    assert_ok(identities_slice(db[CAROL], arena, T, &rows[1].row.identity, 2, &rows, &n));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].row.identity.b[15], 3);
}

/* ---- retention ---- */

static void what_is_kept_is_remembered(void **state) {
    (void)state;
    struct kept kept;
    assert_ok(kept_read(db[CAROL], arena, &kept));
    assert_int_equal(kept.identities_ms, 0);
    assert_int_equal(kept.identities_day, 0);
    assert_int_equal(kept.outcomes_day, 0);
    assert_ok(kept_write_identities_ms(db[CAROL], arena, 90));
    assert_ok(kept_write_identities_ms(db[CAROL], arena, 30));
    assert_ok(kept_raise_identities_day(db[CAROL], arena, 20000));
    assert_ok(kept_raise_identities_day(db[CAROL], arena, 100));
    assert_ok(kept_raise_outcomes_day(db[CAROL], arena, 300));
    assert_ok(kept_read(db[DAVE], arena, &kept));
    assert_int_equal(kept.identities_ms, 30);
    assert_int_equal(kept.identities_day, 20000);
    assert_int_equal(kept.outcomes_day, 300);
}

static void only_one_changes_the_retention(void **state) {
    (void)state;
    struct kept kept;
    assert_ok(kept_write_identities_ms(db[CAROL], arena, 90));
    assert_ok(db_begin(db[CAROL]));
    assert_ok(kept_lock(db[CAROL], arena, &kept));
    assert_int_equal(kept.identities_ms, 90);
    assert_ok(db_begin(db[DAVE]));
    assert_result(kept_lock(db[DAVE], arena, &kept), "busy");
    db_rollback(db[DAVE]);
    assert_ok(db_commit(db[CAROL]));
}

static void watermarks_only_rise(void **state) {
    (void)state;
    side("INSERT INTO tenant VALUES (1, 'a', 0, 0, 100, 0), (2, 'b', 0, 0, 300, 0)");
    assert_ok(watermarks_raise(db[CAROL], arena, 200));
    assert_int_equal(side_number("SELECT watermark_ms FROM tenant WHERE tenant_id = 1"), 200);
    assert_int_equal(side_number("SELECT watermark_ms FROM tenant WHERE tenant_id = 2"), 300);
}

static void followers_are_named_once(void **state) {
    (void)state;
    struct str *names;
    size_t n;
    side("INSERT INTO follower VALUES ('rollup', 0, 0, 1), ('rollup', 1, 1, 1), ('ranks', 1, 1, 1)");
    assert_ok(follower_names(db[CAROL], arena, &names, &n));
    assert_int_equal(n, 2);
    assert_str(names[0], "ranks");
    assert_str(names[1], "rollup");
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)
    const struct CMUnitTest tests[] = {
        TEST(pages_go_by_version_whatever_the_day),
        TEST(rows_of_one_version_come_together),
        TEST(a_member_without_outcomes_has_an_empty_page),
        TEST(stripes_come_by_day_and_lane),
        TEST(a_lane_is_read_by_day_without_what_is_sealed),
        TEST(damaged_rows_come_as_text),
        TEST(members_are_found_by_their_rows),
        TEST(identities_come_in_order),
        TEST(what_is_kept_is_remembered),
        TEST(only_one_changes_the_retention),
        TEST(watermarks_only_rise),
        TEST(followers_are_named_once),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
