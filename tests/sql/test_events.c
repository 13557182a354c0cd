/* Identities, outcomes, lanes, followers, Idempotency-Keys and partitions: every repository function there and back, and what is
 * conditional also where its condition is not met. */
#include "tests/sql/fixture.h"

#include <string.h>

#include "base/limits.h"
#include "base/numbers.h"
#include "sql/events.h"
#include "sql/partitions.h"

static const tenant_id T = {7}, OTHER = {8};

static struct hash16 hash_of(uint8_t v) {
    struct hash16 h;
    memset(h.b, v, sizeof h.b);
    return h;
}

static struct uuid uuid_of(uint8_t v) {
    struct uuid u;
    memset(u.b, v, sizeof u.b);
    return u;
}

/* ---- identities and outcomes ---- */

static struct identity_row an_identity(uint8_t v, uint64_t n) {
    return (struct identity_row){T, hash_of(v), hash_of((uint8_t)(v + 1)), {20000, 3, n, 5}, 20000 * MS_DAY + 17};
}

/* Invariant 3: only step 1 decides that there is no such event yet. */
static void the_first_identity_stays(void **state) {
    (void)state;
    struct identity_row first[] = {an_identity(1, 1), an_identity(2, 1)}, second[] = {an_identity(2, 2), an_identity(3, 2)}, *found;
    uint64_t purged;
    size_t n;
    assert_ok(db_begin(db[CAROL]));
    assert_ok(identities_insert(db[CAROL], arena, first, 2));
    assert_ok(db_commit(db[CAROL]));
    assert_ok(db_begin(db[CAROL]));
    assert_ok(identities_insert(db[CAROL], arena, second, 2));
    assert_ok(identities_find(db[CAROL], arena, second, 2, &found, &n));
    assert_ok(db_commit(db[CAROL]));
    assert_int_equal(n, 2);
    const struct identity_row *two = found[0].identity.b[0] == 2 ? &found[0] : &found[1], *three = two == found ? &found[1] : &found[0];
    assert_true(position_eq(two->at, first[1].at) && position_eq(three->at, second[1].at));
    assert_true(two->tenant.v == T.v && two->received_at == 20000 * MS_DAY + 17);
    assert_memory_equal(two->fingerprint.b, hash_of(3).b, 16);
    assert_int_equal(side_number("SELECT COUNT(*) FROM event_identity WHERE received_day = 20000"), 3);
    assert_ok(identities_purge(db[CAROL], arena, 20000, 10, &purged));
    assert_int_equal(purged, 0);
    assert_ok(identities_purge(db[CAROL], arena, 20001, 2, &purged));
    assert_int_equal(purged, 2);
}

static void a_duplicate_waits_for_the_one_that_is_settled_elsewhere(void **state) {
    (void)state;
    struct identity_row mine = an_identity(1, 1), theirs = an_identity(1, 2);
    assert_ok(db_begin(db[CAROL]));
    assert_ok(identities_insert(db[CAROL], arena, &mine, 1));
    assert_ok(db_begin(db[DAVE]));
    assert_result(identities_insert(db[DAVE], arena, &theirs, 1), "busy");
    db_rollback(db[DAVE]);
    assert_ok(db_commit(db[CAROL]));
}

static struct outcome_row outcome_of(uint32_t day, uint16_t lane, uint64_t n, uint16_t i, uint64_t version) {
    return (struct outcome_row){{day, lane, n, i}, 2, T, {5}, version, STR("clear\0"), str_printf(arena, "sealed %u", i)};
}

static void outcomes_are_found_by_position_and_tenant(void **state) {
    (void)state;
    struct outcome_row rows[] = {outcome_of(20000, 1, 1, 0, 1), outcome_of(20000, 1, 1, 1, 2)}, *found;
    struct outcome_ref refs[] = {{T, rows[1].at}, {OTHER, rows[0].at}, {T, {20000, 2, 1, 0}}};
    size_t n;
    assert_ok(outcomes_insert(db[CAROL], arena, rows, 2));
    assert_result(outcomes_insert(db[CAROL], arena, rows, 1), "conflict"); /* a position is given once */
    assert_ok(outcomes_find(db[CAROL], arena, refs, 3, &found, &n));
    assert_int_equal(n, 1);
    assert_true(position_eq(found[0].at, rows[1].at) && found[0].of == 2 && found[0].tenant.v == T.v);
    assert_true(found[0].member.v == 5 && found[0].member_version == 2);
    assert_true(str_eq(found[0].clear, STR("clear\0")));
    assert_str(found[0].sealed, "sealed 1");
}

/* ---- lanes and followers ---- */

static void a_lane_belongs_to_one_owner(void **state) {
    (void)state;
    struct lane_row *lanes, mine;
    size_t n;
    assert_ok(lane_create(db[CAROL], arena, 1, uuid_of(1), 1000, 20000));
    assert_result(lane_create(db[CAROL], arena, 1, uuid_of(2), 1000, 20000), "conflict");
    assert_ok(lane_create(db[CAROL], arena, 2, uuid_of(2), 1000, 20000));
    assert_ok(lanes_read(db[CAROL], arena, &lanes, &n));
    assert_int_equal(n, 2);
    assert_true(lanes[0].lane == 1 && lanes[0].lease_until == 1000 && lanes[0].day == 20000 && lanes[0].n == 0);
    assert_memory_equal(lanes[0].owner.b, uuid_of(1).b, 16);
    assert_ok(lane_take(db[CAROL], arena, &lanes[0], uuid_of(3), 2000));
    assert_result(lane_take(db[CAROL], arena, &lanes[0], uuid_of(4), 2000), "not-found"); /* somebody was quicker */
    mine = (struct lane_row){1, uuid_of(3), 2000, 20001, 7};
    assert_ok(lane_write(db[CAROL], arena, &mine));
    assert_ok(lane_write(db[CAROL], arena, &mine)); /* unchanged, but found */
    struct lane_row former = lanes[0], before = {1, uuid_of(3), 2000, 20000, 6};
    assert_result(lane_take(db[CAROL], arena, &before, uuid_of(4), 9000), "not-found"); /* it has written since, with the same lease */
    assert_result(lane_write(db[CAROL], arena, &former), "not-found");
    assert_result(lane_renew(db[CAROL], arena, &former), "not-found");
    before.lease_until = 3000;
    assert_ok(lane_renew(db[CAROL], arena, &before)); /* late: only the lease is renewed */
    assert_ok(lanes_read(db[CAROL], arena, &lanes, &n));
    assert_true(lanes[0].lease_until == 3000 && lanes[0].day == 20001 && lanes[0].n == 7);
    assert_result(lane_release(db[CAROL], arena, &former), "not-found");
    assert_ok(lane_release(db[CAROL], arena, &mine));
    assert_ok(lanes_read(db[CAROL], arena, &lanes, &n));
    assert_true(lanes[0].lease_until == 0 && lanes[0].day == 20001 && lanes[0].n == 7);
    assert_memory_equal(lanes[0].owner.b, uuid_of(3).b, 16);
}

static void a_follower_is_locked_by_its_name(void **state) {
    (void)state;
    struct follower_row f = {STR("rollup"), 3, 20000, 17}, other = {STR("rank"), 3, 1, 1}, *found;
    size_t n;
    assert_ok(db_begin(db[CAROL]));
    assert_ok(followers_lock(db[CAROL], arena, STR("rollup"), &found, &n)); /* made where missing */
    assert_int_equal(n, 0);
    assert_ok(follower_write(db[CAROL], arena, &f));
    assert_ok(follower_write(db[CAROL], arena, &other));
    assert_ok(db_commit(db[CAROL]));
    f.n = 18;
    assert_ok(db_begin(db[CAROL]));
    assert_ok(followers_lock(db[CAROL], arena, STR("rollup"), &found, &n));
    assert_true(n == 1 && found[0].lane == 3 && found[0].day == 20000 && found[0].n == 17);
    assert_ok(follower_write(db[CAROL], arena, &f));
    assert_ok(db_begin(db[DAVE]));
    assert_ok(followers_read(db[DAVE], arena, STR("rollup"), &found, &n)); /* readers do not wait */
    assert_true(n == 1 && found[0].n == 17);
    assert_result(followers_lock(db[DAVE], arena, STR("rollup"), &found, &n), "busy");
    db_rollback(db[DAVE]);
    assert_ok(db_begin(db[DAVE]));
    assert_ok(followers_lock(db[DAVE], arena, STR("rank"), &found, &n)); /* another's lock */
    db_rollback(db[DAVE]);
    assert_ok(db_commit(db[CAROL]));
    assert_ok(followers_read(db[CAROL], arena, STR("rollup"), &found, &n));
    assert_true(n == 1 && found[0].n == 18);
    assert_str(found[0].name, "rollup");
}

static void rollups_add_up(void **state) {
    (void)state;
    struct rollup_row rows[] = {{T, 1, ACCOUNT_ISSUANCE, -20}, {T, 1, ACCOUNT_REDEMPTION, 5}, {OTHER, 1, ACCOUNT_ISSUANCE, -1}}, *found;
    size_t n;
    assert_ok(rollups_add(db[CAROL], arena, rows, 3));
    assert_ok(rollups_add(db[CAROL], arena, rows, 1));
    assert_ok(rollups_read(db[CAROL], arena, T, &found, &n));
    assert_int_equal(n, 2);
    assert_true(found[0].currency == 1 && found[0].account == ACCOUNT_ISSUANCE && found[0].balance == -40 && found[0].tenant.v == T.v);
    assert_true(found[1].account == ACCOUNT_REDEMPTION && found[1].balance == 5);
}

/* ---- Idempotency-Keys ---- */

static struct idempotency_row key_for(const char *key) {
    return (struct idempotency_row){.tenant = T,
                                    .key_id = STR("k1"),
                                    .route = STR("POST /v1/members/{m}/adjustments"),
                                    .key = str_of(key),
                                    .fingerprint = hash_of(3),
                                    .created_at = 1000,
                                    .status = 0,
                                    .record = STR("")};
}

static void an_idempotency_key_is_kept_with_its_answer(void **state) {
    (void)state;
    struct idempotency_row row = key_for("a"), found, other = row;
    uint64_t purged;
    assert_result(idempotency_find(db[CAROL], arena, &row, &found), "not-found");
    assert_result(idempotency_finish(db[CAROL], arena, &row), "not-found");
    assert_ok(db_begin(db[CAROL]));
    assert_ok(idempotency_insert(db[CAROL], arena, &row));
    assert_ok(db_begin(db[DAVE]));
    assert_result(idempotency_insert(db[DAVE], arena, &row), "busy"); /* still in work */
    db_rollback(db[DAVE]);
    row.status = 201;
    row.at = (struct position){20000, 3, 4, 5};
    row.record = STR("{\"é\":1}");
    assert_ok(idempotency_finish(db[CAROL], arena, &row));
    assert_ok(db_commit(db[CAROL]));
    assert_result(idempotency_insert(db[CAROL], arena, &row), "conflict");
    assert_ok(idempotency_find(db[CAROL], arena, &row, &found));
    assert_true(found.status == 201 && found.created_at == 1000 && position_eq(found.at, row.at));
    assert_memory_equal(found.fingerprint.b, row.fingerprint.b, 16);
    assert_str(found.record, "{\"é\":1}");
    assert_str(found.key, "a");
    other.created_at += IDEMPOTENCY_MS; /* SEMANTICS 40: 48 h, whether retention has run or not */
    assert_ok(idempotency_find(db[CAROL], arena, &other, &found));
    assert_result(idempotency_insert(db[CAROL], arena, &other), "conflict");
    other.created_at++;
    assert_result(idempotency_find(db[CAROL], arena, &other, &found), "not-found");
    assert_ok(idempotency_insert(db[CAROL], arena, &other));
    assert_ok(idempotency_find(db[CAROL], arena, &other, &found));
    assert_true(found.created_at == 1001 + IDEMPOTENCY_MS && found.status == 0);
    other = key_for("a");
    other.member.v = 5; /* a member token's own */
    assert_result(idempotency_find(db[CAROL], arena, &other, &found), "not-found");
    other = key_for("a");
    other.tenant = OTHER;
    assert_result(idempotency_find(db[CAROL], arena, &other, &found), "not-found");
    char longest[256];
    memset(longest, '\xff', 255);
    longest[255] = 0;
    other = key_for(longest);
    assert_ok(idempotency_insert(db[CAROL], arena, &other));
    assert_ok(idempotency_purge(db[CAROL], arena, 1000, 10, &purged));
    assert_int_equal(purged, 0);
    assert_ok(idempotency_purge(db[CAROL], arena, 1001, 1, &purged));
    assert_int_equal(purged, 1);
}

/* ---- partitions ---- */

static struct str partitions(void) {
    struct partition_row *rows;
    struct buf b = buf_new(arena, 256);
    size_t n;
    assert_ok(partitions_list(db[CAROL], arena, &rows, &n));
    for (size_t i = 0; i < n; i++) buf_f(&b, "%s%u", i ? " " : "", rows[i].before_day);
    return buf_str(&b);
}

static void partitions_are_added_ahead_and_dropped_behind(void **state) {
    (void)state;
    struct outcome_row rows[] = {outcome_of(20000, 1, 1, 0, 1), outcome_of(20031, 1, 2, 0, 2)}, *found;
    struct outcome_ref refs[] = {{T, rows[0].at}, {T, rows[1].at}};
    size_t n;
    assert_str(partitions(), "0");
    assert_ok(outcomes_insert(db[CAROL], arena, rows, 2));
    assert_ok(partition_add(db[CAROL], 20030)); /* also where rows have to move */
    assert_ok(partition_add(db[CAROL], 20060));
    assert_result(partition_add(db[CAROL], 20060), "conflict");
    assert_result(partition_add(db[CAROL], 20050), "conflict");
    assert_str(partitions(), "20030 20060 0");
    assert_ok(outcomes_find(db[CAROL], arena, refs, 2, &found, &n)); /* prepared before the table was altered */
    assert_int_equal(n, 2);
    assert_ok(db_begin(db[DAVE]));
    assert_ok(outcomes_find(db[DAVE], arena, refs, 2, &found, &n));
    assert_result(partition_drop(db[CAROL], 20030), "busy"); /* a reader's transaction: try again */
    assert_ok(db_commit(db[DAVE]));
    assert_ok(partition_drop(db[CAROL], 20030));
    assert_result(partition_drop(db[CAROL], 20030), "not-found");
    assert_ok(outcomes_find(db[CAROL], arena, refs, 2, &found, &n));
    assert_true(n == 1 && found[0].at.day == 20031);
    assert_ok(partition_drop(db[CAROL], 20060));
    assert_str(partitions(), "0");
}

#define T_(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)
int main(void) {
    const struct CMUnitTest tests[] = {
        T_(the_first_identity_stays),
        T_(a_duplicate_waits_for_the_one_that_is_settled_elsewhere),
        T_(outcomes_are_found_by_position_and_tenant),
        T_(a_lane_belongs_to_one_owner),
        T_(a_follower_is_locked_by_its_name),
        T_(rollups_add_up),
        T_(an_idempotency_key_is_kept_with_its_answer),
        T_(partitions_are_added_ahead_and_dropped_behind),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
