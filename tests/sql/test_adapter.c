/* The adapter: connections, transactions, groups of rows, values, and every db_result (MECHANICS 2 and 5). */
#include "tests/sql/fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "sql/db_part.h"
#include "sql/events.h"
#include "sql/members.h"
#include "sql/tenants.h"

static const tenant_id T = {7};

static struct member_ref *members(size_t n, uint64_t from) {
    struct member_ref *m = NEW_ARRAY(arena, struct member_ref, n);
    for (size_t i = 0; i < n; i++) m[i] = (struct member_ref){T, {from + i}};
    return m;
}

static struct member_ref one(uint64_t no) { return (struct member_ref){T, {no}}; }

static void the_catalogue_is_prepared_and_agrees_with_the_tables(void **state) {
    (void)state;
    struct str error;
    assert_ok(db_verify_catalogue(db[CAROL], arena, &error));
    assert_int_equal(error.n, 0);
}

static void a_table_that_is_missing_is_found_by_the_catalogue(void **state) {
    (void)state;
    struct str error;
    db_drop(db[CAROL]);
    side("RENAME TABLE rollup TO rollup_away");
    assert_result(db_verify_catalogue(db[CAROL], arena, &error), "fatal");
    side("RENAME TABLE rollup_away TO rollup");
    assert_str(error, "ROLLUPS_ADD: cannot be prepared (fatal)");
}

/* ---- groups ---- */

static void check_group(size_t n, int64_t insert_statements, int64_t find_statements) {
    struct member_ref *m = members(n, 1000);
    struct member_state *found;
    size_t n_found;
    test_open(NULL);
    int64_t before = status("Com_stmt_execute");
    m = members(n, 1000);
    assert_ok(db_begin(db[CAROL]));
    assert_ok(states_lock(db[CAROL], arena, m, n));
    int64_t between = status("Com_stmt_execute");
    assert_ok(states_load(db[CAROL], arena, m, n, &found, &n_found));
    assert_ok(db_commit(db[CAROL]));
    assert_int_equal(between - before, insert_statements);
    assert_int_equal(status("Com_stmt_execute") - between, find_statements);
    assert_int_equal(n_found, n);
    assert_int_equal(side_number("SELECT COUNT(*) FROM member_state WHERE version = 1 AND member_no >= 1000"), n);
    for (size_t i = 0; i < n; i++) assert_int_equal(found[i].member.v, 1000 + i);
}

static void groups_run_in_prepared_sizes(void **state) {
    (void)state;
    check_group(0, 0, 0);
    check_group(1, 1, 1);
    check_group(3, 1, 1);
    check_group(16, 1, 1);
    check_group(17, 2, 1); /* 16 + 1; 32 */
    check_group(63, 3, 1); /* 32 + 16 + 15; 64 */
    check_group(64, 1, 1);
    check_group(65, 2, 1); /* 64 + 1; 100 */
    check_group(99, 3, 1); /* 64 + 32 + 3; 100 */
    check_group(100, 1, 1);
    check_group(1000, 10, 10);
}

static void a_form_is_prepared_once_per_connection(void **state) {
    (void)state;
    struct member_state *found;
    size_t n;
    assert_ok(states_load(db[CAROL], arena, members(5, 1), 5, &found, &n));
    int64_t before = status("Com_stmt_prepare");
    assert_ok(states_load(db[CAROL], arena, members(7, 1), 7, &found, &n)); /* both in the form of 8 */
    assert_int_equal(status("Com_stmt_prepare"), before);
}

static void missing_rows_are_not_invented_by_the_filling(void **state) {
    (void)state;
    struct identity_row wanted[3] = {{.tenant = T, .identity = {{1}}}, {.tenant = T, .identity = {{2}}}, {.tenant = T, .identity = {{3}}}};
    struct identity_row *found;
    size_t n;
    assert_ok(db_begin(db[CAROL]));
    assert_ok(identities_insert(db[CAROL], arena, &wanted[2], 1));
    assert_ok(db_commit(db[CAROL]));
    assert_ok(identities_find(db[CAROL], arena, wanted, 3, &found, &n));
    assert_int_equal(n, 1);
    assert_int_equal(found[0].identity.b[0], 3);
}

/* ---- values ---- */

static struct outcome_row outcome_with(struct str clear, struct str sealed) {
    return (struct outcome_row){
        .at = {20000, 1, 1, 0}, .of = 1, .tenant = T, .member = {5}, .member_version = 1, .clear = clear, .sealed = sealed};
}

static void check_bytes(struct str clear, struct str sealed) {
    struct outcome_row o = outcome_with(clear, sealed), *found;
    size_t n;
    side("DELETE FROM outcome");
    assert_ok(outcomes_insert(db[CAROL], arena, &o, 1));
    assert_ok(outcomes_find(db[CAROL], arena, &(struct outcome_ref){T, o.at}, 1, &found, &n));
    assert_int_equal(n, 1);
    assert_true(str_eq(found[0].clear, clear));
    assert_true(str_eq(found[0].sealed, sealed));
    assert_non_null(found[0].clear.p);
}

static struct str noise(size_t n) {
    char *p = arena_alloc(arena, n);
    for (size_t i = 0; i < n; i++) p[i] = (char)(i * 131 + (i >> 8));
    return (struct str){p, n};
}

static void bytes_of_every_length_come_back(void **state) {
    (void)state;
    check_bytes(STR(""), STR(""));
    check_bytes((struct str){NULL, 0}, STR("x"));
    check_bytes(STR("\0"), STR("\0\0'\"\\;--\xff\xfe"));
    check_bytes(noise(255), noise(256));
    check_bytes(noise(2049), noise(65536));
    check_bytes(noise(65535), noise(3 * 1024 * 1024));
    check_bytes(STR("a"), STR("b")); /* after a large one */
}

static void too_long_a_value_is_refused_and_not_cut(void **state) {
    (void)state;
    struct outcome_row o = outcome_with(noise(65536), STR(""));
    assert_result(outcomes_insert(db[CAROL], arena, &o, 1), "fatal");
    assert_int_equal(side_number("SELECT COUNT(*) FROM outcome"), 0);
}

static void integers_come_back_at_their_limits(void **state) {
    (void)state;
    struct outcome_row o = outcome_with(STR("c"), STR("s")), *found;
    size_t n;
    o.at = (struct position){UINT32_MAX, UINT16_MAX, UINT64_MAX, UINT16_MAX};
    o.of = UINT16_MAX;
    o.tenant.v = UINT32_MAX;
    o.member.v = INT64_MAX;
    o.member_version = UINT64_MAX;
    assert_ok(outcomes_insert(db[CAROL], arena, &o, 1));
    assert_ok(outcomes_find(db[CAROL], arena, &(struct outcome_ref){o.tenant, o.at}, 1, &found, &n));
    assert_int_equal(n, 1);
    assert_true(position_eq(found[0].at, o.at));
    assert_int_equal(found[0].of, UINT16_MAX);
    assert_int_equal(found[0].tenant.v, UINT32_MAX);
    assert_true(found[0].member.v == INT64_MAX && found[0].member_version == UINT64_MAX);

    struct rollup_row low = {T, 1, 1, INT64_MIN}, *sums;
    assert_ok(rollups_add(db[CAROL], arena, &low, 1));
    assert_ok(rollups_read(db[CAROL], arena, T, &sums, &n));
    assert_true(n == 1 && sums[0].balance == INT64_MIN);
}

static void a_large_result_is_read_whole(void **state) {
    (void)state;
    struct outcome_row *found;
    size_t n;
    side("INSERT INTO outcome SELECT 20000, 1, x + 1, 0, 1, 7, 5, x + 1, REPEAT('c', x), REPEAT('s', 4000) FROM numbers");
    assert_ok(outcomes_backwards(db[CAROL], arena, T, (member_no){5}, 2001, 5000, &found, &n));
    assert_int_equal(n, 2000);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(found[i].member_version, 2000 - i);
        assert_int_equal(found[i].clear.n, 1999 - i);
        assert_int_equal(found[i].sealed.n, 4000);
    }
}

/* ---- MUSTs ---- */

static void wrong_letter(void) {
    struct call c = call_of(db[CAROL], STMT_TENANT_BY_ID, arena, 1);
    call_u64(&c, 1);
}
static void too_few(void) {
    struct call c = call_of(db[CAROL], STMT_STATES_LOAD, arena, 2);
    call_u32(&c, 1);
    call_u64(&c, 1);
    (void)!call_run(&c);
}
static void too_many(void) {
    struct call c = call_of(db[CAROL], STMT_TENANT_BY_ID, arena, 1);
    call_u32(&c, 1);
    call_u32(&c, 1);
}
static void wrong_column(void) {
    struct call c = call_of(db[CAROL], STMT_DURABILITY, arena, 1);
    if (call_run(&c) || !call_next(&c)) return;
    col_bytes(&c);
}
static void unsorted_members(void) {
    struct member_ref m[] = {one(2), one(1)};
    if (!db_begin(db[CAROL])) (void)states_lock(db[CAROL], arena, m, 2);
}
static void the_same_member_twice(void) {
    struct member_ref m[] = {one(2), one(2)};
    if (!db_begin(db[CAROL])) (void)states_lock(db[CAROL], arena, m, 2);
}
static void lock_outside_a_transaction(void) {
    struct member_ref m = one(1);
    (void)states_lock(db[CAROL], arena, &m, 1);
}

static void what_only_a_programmer_can_do_wrong_ends_the_process(void **state) {
    (void)state;
    db_drop(db[CAROL]); /* so that no child shares the connection */
    assert_true(dies(wrong_letter));
    assert_true(dies(too_few));
    assert_true(dies(too_many));
    assert_true(dies(wrong_column));
    assert_true(dies(unsorted_members));
    assert_true(dies(the_same_member_twice));
    assert_true(dies(lock_outside_a_transaction));
}

/* ---- results ---- */

static void conflict_and_not_found_leave_the_transaction_usable(void **state) {
    (void)state;
    struct tenant_row t = {.code = STR("acme")}, found;
    assert_ok(db_begin(db[CAROL]));
    assert_ok(tenant_insert(db[CAROL], arena, &t));
    assert_result(tenant_insert(db[CAROL], arena, &t), "conflict");
    assert_result(tenant_by_code(db[CAROL], arena, STR("acme "), &found), "not-found");
    assert_result(tenant_set_status(db[CAROL], arena, (tenant_id){t.id.v + 1}, TENANT_SUSPENDED), "not-found");
    assert_ok(tenant_set_status(db[CAROL], arena, t.id, TENANT_ACTIVE)); /* unchanged, but found */
    assert_ok(db_commit(db[CAROL]));
    assert_int_equal(side_number("SELECT COUNT(*) FROM tenant"), 1);
}

static void fatal_ends_the_transaction_for_good(void **state) {
    (void)state;
    struct outcome_row o = outcome_with(noise(65536), STR(""));
    struct tenant_row t = {.code = STR("acme")};
    assert_ok(db_begin(db[CAROL]));
    assert_ok(tenant_insert(db[CAROL], arena, &t));
    assert_result(outcomes_insert(db[CAROL], arena, &o, 1), "fatal");
    assert_result(tenant_by_id(db[CAROL], arena, t.id, &t), "fatal");
    assert_result(db_commit(db[CAROL]), "fatal");
    db_rollback(db[CAROL]);
    assert_int_equal(side_number("SELECT COUNT(*) FROM tenant"), 0);
}

static void a_lock_held_by_another_is_busy_after_a_second(void **state) {
    (void)state;
    struct member_ref m = one(1);
    assert_ok(db_begin(db[CAROL]));
    assert_ok(states_lock(db[CAROL], arena, &m, 1));
    assert_ok(db_begin(db[DAVE]));
    int64_t from = clock_monotonic_us();
    assert_result(states_lock(db[DAVE], arena, &m, 1), "busy");
    int64_t took = clock_monotonic_us() - from;
    assert_in_range(took, 500 * 1000, 2500 * 1000);
    struct member_ref other = one(2);
    assert_result(states_lock(db[DAVE], arena, &other, 1), "busy"); /* nothing more of this transaction */
    assert_result(db_commit(db[DAVE]), "busy");
    db_rollback(db[DAVE]);
    assert_ok(db_commit(db[CAROL]));
    assert_int_equal(side_number("SELECT COUNT(*) FROM member_state"), 1);
}

struct other { /* what DAVE does in a thread */
    struct arena *arena;
    enum db_result result;
};

static void *lock_the_first(void *arg) {
    struct other *o = arg;
    struct member_ref m = one(1);
    o->result = states_lock(db[DAVE], o->arena, &m, 1);
    return NULL;
}

static void wait_for_a_lock_wait(void) {
    while (side_number("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'dave' AND info LIKE 'INSERT%%'") < 1)
        usleep(2000);
    usleep(20000);
}

static void a_deadlock_is_retry_for_one_and_ok_for_the_other(void **state) {
    (void)state;
    struct member_ref first = one(1), second = one(2);
    struct other o = {.arena = arena_new()};
    pthread_t thread;
    assert_ok(db_begin(db[CAROL]));
    assert_ok(states_lock(db[CAROL], arena, &first, 1));
    assert_ok(db_begin(db[DAVE]));
    assert_ok(states_lock(db[DAVE], arena, &second, 1));
    assert_int_equal(pthread_create(&thread, NULL, lock_the_first, &o), 0);
    wait_for_a_lock_wait();
    enum db_result mine = states_lock(db[CAROL], arena, &second, 1);
    pthread_join(thread, NULL);
    assert_true((mine == DB_RETRY) != (o.result == DB_RETRY));
    assert_true((mine == DB_OK) != (o.result == DB_OK));
    struct db *loser = mine == DB_RETRY ? db[CAROL] : db[DAVE], *winner = mine == DB_RETRY ? db[DAVE] : db[CAROL];
    struct tenant_row t = {.code = STR("acme")};
    assert_result(tenant_insert(loser, arena, &t), "retry"); /* the server has ended the transaction: this would stand alone */
    assert_result(db_commit(loser), "retry");
    db_rollback(loser);
    assert_ok(db_commit(winner));
    assert_int_equal(side_number("SELECT COUNT(*) FROM tenant"), 0);
    assert_int_equal(side_number("SELECT COUNT(*) FROM member_state"), 2);
    arena_free(&o.arena);
}

/* ---- lost connections ---- */

static void a_connection_lost_while_idle_is_made_anew_silently(void **state) {
    (void)state;
    struct member_state *found;
    struct tenant_row t = {.code = STR("acme")};
    size_t n;
    assert_ok(states_load(db[CAROL], arena, members(2, 1), 2, &found, &n));
    uint64_t generation = db_generation(db[CAROL]);
    kill_connection_of(CAROL);
    assert_ok(db_begin(db[CAROL]));
    assert_int_equal(db_generation(db[CAROL]), generation + 1);
    db_rollback(db[CAROL]);
    kill_connection_of(CAROL);
    assert_ok(states_load(db[CAROL], arena, members(2, 1), 2, &found, &n)); /* statements are prepared anew */
    assert_int_equal(db_generation(db[CAROL]), generation + 2);
    kill_connection_of(CAROL);
    assert_ok(tenant_insert(db[CAROL], arena, &t)); /* found lost before the write was sent */
    kill_connection_of(CAROL);
    assert_ok(db_ping(db[CAROL]));
    assert_int_equal(db_generation(db[CAROL]), generation + 4);
}

static void a_loss_inside_a_transaction_is_gone_and_nothing_was_done(void **state) {
    (void)state;
    struct tenant_row t = {.code = STR("acme")};
    assert_ok(db_begin(db[CAROL]));
    assert_ok(tenant_insert(db[CAROL], arena, &t));
    kill_connection_of(CAROL);
    uint64_t generation = db_generation(db[CAROL]);
    t.code = STR("other");
    assert_result(tenant_insert(db[CAROL], arena, &t), "gone");
    assert_result(tenant_insert(db[CAROL], arena, &t), "gone"); /* not on a new connection, outside of everything */
    assert_int_equal(db_generation(db[CAROL]), generation);
    assert_result(db_commit(db[CAROL]), "gone");
    db_rollback(db[CAROL]);
    assert_int_equal(side_number("SELECT COUNT(*) FROM tenant"), 0);
    assert_ok(tenant_insert(db[CAROL], arena, &t));
}

static void a_loss_at_commit_is_unknown(void **state) {
    (void)state;
    struct tenant_row t = {.code = STR("acme")};
    assert_ok(db_begin(db[CAROL]));
    assert_ok(tenant_insert(db[CAROL], arena, &t));
    kill_connection_of(CAROL);
    assert_result(db_commit(db[CAROL]), "unknown");
    assert_false(db_in_transaction(db[CAROL]));
    assert_ok(tenant_insert(db[CAROL], arena, &t)); /* this time it had not been done */
}

static void *add_alone(void *arg) {
    struct other *o = arg;
    struct rollup_row r = {T, 1, 1, 5};
    o->result = rollups_add(db[DAVE], o->arena, &r, 1);
    return NULL;
}

/* DAVE's statement waits for CAROL's lock when its connection is killed. */
static enum db_result lost_while_it_ran(bool in_transaction) {
    struct rollup_row r = {T, 1, 1, 1};
    struct other o = {.arena = arena_new()};
    pthread_t thread;
    assert_ok(db_begin(db[CAROL]));
    assert_ok(rollups_add(db[CAROL], arena, &r, 1));
    if (in_transaction) assert_ok(db_begin(db[DAVE]));
    assert_int_equal(pthread_create(&thread, NULL, add_alone, &o), 0);
    wait_for_a_lock_wait();
    kill_connection_of(DAVE);
    pthread_join(thread, NULL);
    db_rollback(db[DAVE]);
    assert_ok(db_commit(db[CAROL]));
    arena_free(&o.arena);
    return o.result;
}

static void a_write_outside_a_transaction_that_is_lost_is_unknown(void **state) {
    (void)state;
    assert_result(lost_while_it_ran(false), "unknown");
    assert_result(lost_while_it_ran(true), "gone");
}

static void a_server_that_does_not_answer_is_gone_after_the_time_out(void **state) {
    (void)state;
    struct db *hasty = connect_as(CAROL, 1, 0);
    struct tenant_row t;
    int64_t pid = strtoll(getenv("SQL_TEST_PID"), NULL, 10);
    assert_ok(db_connect(hasty));
    kill((pid_t)pid, SIGSTOP);
    int64_t from;
    enum db_result r;
    do { /* a busy server stops a little later */
        from = clock_monotonic_us();
        r = tenant_by_id(hasty, arena, T, &t);
    } while (r == DB_NOT_FOUND);
    enum db_result again = db_connect(hasty);
    int64_t took = clock_monotonic_us() - from;
    kill((pid_t)pid, SIGCONT);
    assert_result(r, "gone");
    assert_result(again, "gone");
    assert_in_range(took, 1000 * 1000, 5000 * 1000);
    assert_result(tenant_by_id(hasty, arena, T, &t), "not-found");
    db_close(&hasty);
}

static void a_server_that_is_away_is_gone(void **state) {
    (void)state;
    struct db *nowhere = db_open(&(struct db_address){.socket = "/nonexistent/db.sock", .name = "accolade", .user = "carol"});
    assert_result(db_connect(nowhere), "gone");
    assert_result(db_begin(nowhere), "gone");
    assert_false(db_in_transaction(nowhere));
    db_rollback(nowhere);
    assert_int_equal(db_generation(nowhere), 0);
    db_close(&nowhere);
    assert_null(nowhere);
}

/* A stopped worker's locks end with its session (MECHANICS 2). */
static void a_silent_session_is_dropped_by_the_server(void **state) {
    (void)state;
    struct db *silent = connect_as(DAVE, 0, 1);
    struct member_ref m = one(1);
    assert_ok(db_begin(silent));
    assert_ok(states_lock(silent, arena, &m, 1));
    sleep(2);
    assert_ok(db_begin(db[CAROL]));
    assert_ok(states_lock(db[CAROL], arena, &m, 1));
    assert_ok(db_commit(db[CAROL]));
    assert_result(db_commit(silent), "unknown");
    db_close(&silent);
}

/* ---- isolation ---- */

static uint64_t state_version(struct db *of) {
    struct member_ref m = one(1);
    struct member_state *found;
    size_t n;
    assert_ok(states_load(of, arena, &m, 1, &found, &n));
    return n ? found[0].version : 0;
}

static void transactions_read_what_is_committed_and_snapshots_do_not(void **state) {
    (void)state;
    side("INSERT INTO member_state VALUES (7, 1, 5, '', '')");
    assert_ok(db_begin(db[CAROL]));
    assert_ok(db_begin_snapshot(db[DAVE]));
    assert_int_equal(state_version(db[CAROL]), 5);
    side("UPDATE member_state SET version = 6");
    assert_int_equal(state_version(db[CAROL]), 6);
    assert_int_equal(state_version(db[DAVE]), 5);
    assert_ok(db_commit(db[CAROL]));
    assert_ok(db_commit(db[DAVE]));
    assert_ok(db_begin(db[DAVE])); /* the snapshot's level was that of one transaction */
    assert_int_equal(state_version(db[DAVE]), 6);
    side("UPDATE member_state SET version = 7");
    assert_int_equal(state_version(db[DAVE]), 7);
    db_rollback(db[DAVE]);
}

static void a_rollback_undoes(void **state) {
    (void)state;
    struct tenant_row t = {.code = STR("acme")};
    assert_ok(db_begin(db[CAROL]));
    assert_ok(tenant_insert(db[CAROL], arena, &t));
    db_rollback(db[CAROL]);
    db_rollback(db[CAROL]);
    assert_int_equal(side_number("SELECT COUNT(*) FROM tenant"), 0);
}

static void durability_is_read_from_the_server(void **state) {
    (void)state;
    bool durable = true;
    side("SET GLOBAL innodb_flush_log_at_trx_commit = 2");
    assert_ok(db_durable(db[CAROL], arena, &durable));
    assert_false(durable);
    side("SET GLOBAL innodb_flush_log_at_trx_commit = 1");
    assert_ok(db_durable(db[CAROL], arena, &durable));
    assert_int_equal(durable, side_number("SELECT NOT @@GLOBAL.log_bin OR @@GLOBAL.sync_binlog = 1"));
    side("SET GLOBAL innodb_flush_log_at_trx_commit = 0");
}

#define T_(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)
int main(void) {
    const struct CMUnitTest tests[] = {
        T_(the_catalogue_is_prepared_and_agrees_with_the_tables),
        T_(a_table_that_is_missing_is_found_by_the_catalogue),
        T_(groups_run_in_prepared_sizes),
        T_(a_form_is_prepared_once_per_connection),
        T_(missing_rows_are_not_invented_by_the_filling),
        T_(bytes_of_every_length_come_back),
        T_(too_long_a_value_is_refused_and_not_cut),
        T_(integers_come_back_at_their_limits),
        T_(a_large_result_is_read_whole),
        T_(what_only_a_programmer_can_do_wrong_ends_the_process),
        T_(conflict_and_not_found_leave_the_transaction_usable),
        T_(fatal_ends_the_transaction_for_good),
        T_(a_lock_held_by_another_is_busy_after_a_second),
        T_(a_deadlock_is_retry_for_one_and_ok_for_the_other),
        T_(a_connection_lost_while_idle_is_made_anew_silently),
        T_(a_loss_inside_a_transaction_is_gone_and_nothing_was_done),
        T_(a_loss_at_commit_is_unknown),
        T_(a_write_outside_a_transaction_that_is_lost_is_unknown),
        T_(a_server_that_does_not_answer_is_gone_after_the_time_out),
        T_(a_server_that_is_away_is_gone),
        T_(a_silent_session_is_dropped_by_the_server),
        T_(transactions_read_what_is_committed_and_snapshots_do_not),
        T_(a_rollback_undoes),
        T_(durability_is_read_from_the_server),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
