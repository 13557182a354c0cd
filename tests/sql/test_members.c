/* Members: keys, state rows, closed periods, payments, profiles, and the ledger: every repository function there and back, and what is
 * conditional also where its condition is not met. */
#include "tests/sql/fixture.h"

#include <string.h>

#include "sql/ledger.h"
#include "sql/members.h"

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

static struct member_ref one(uint64_t no) { return (struct member_ref){T, {no}}; }

/* ---- members ---- */

static struct member_key_row member_key_of(tenant_id t, struct str id, uint64_t no) {
    struct member_key_row k = {.tenant = t, .external_id = id, .member = {no}, .has_key = true};
    memset(k.sealing_key, (int)no, SEAL_KEY_BYTES);
    return k;
}

static void member_keys_are_inserted_once(void **state) {
    (void)state;
    struct member_key_row rows[] = {member_key_of(T, STR("agent-17"), 17), member_key_of(T, STR("agent-18"), 18),
                                    member_key_of(OTHER, STR("agent-17"), 19)};
    struct member_key_row late = member_key_of(T, STR("agent-17"), 99), *found;
    member_no nos[] = {{18}, {19}};
    size_t n;
    assert_ok(member_keys_insert(db[CAROL], arena, rows, 3));
    assert_ok(member_keys_insert(db[CAROL], arena, &late, 1)); /* somebody was quicker: the row stays */
    assert_ok(member_keys_find(db[CAROL], arena, &late, 1, &found, &n));
    assert_int_equal(n, 1);
    assert_true(found[0].tenant.v == T.v && found[0].member.v == 17 && found[0].state == MEMBER_ACTIVE && found[0].has_key);
    assert_memory_equal(found[0].sealing_key, rows[0].sealing_key, SEAL_KEY_BYTES);
    assert_ok(member_keys_by_no(db[CAROL], arena, T, nos, 2, &found, &n));
    assert_int_equal(n, 1); /* 19 is another tenant's */
    assert_str(found[0].external_id, "agent-18");
    struct member_key_row padded = member_key_of(T, STR("agent-17 "), 0);
    assert_ok(member_keys_find(db[CAROL], arena, &padded, 1, &found, &n));
    assert_int_equal(n, 0);
}

static void an_erased_member_has_neither_id_nor_key(void **state) {
    (void)state;
    uint64_t no = INT64_MAX;
    struct member_key_row k = member_key_of(T, STR("agent-17"), no), *found;
    size_t n;
    assert_ok(member_keys_insert(db[CAROL], arena, &k, 1));
    assert_result(member_key_erase(db[CAROL], arena, OTHER, (member_no){no}), "not-found");
    assert_ok(member_key_erase(db[CAROL], arena, T, (member_no){no}));
    assert_ok(member_keys_find(db[CAROL], arena, &k, 1, &found, &n));
    assert_int_equal(n, 0);
    assert_ok(member_keys_by_no(db[CAROL], arena, T, &(member_no){no}, 1, &found, &n));
    assert_int_equal(n, 1);
    assert_false(found[0].has_key);
    assert_int_equal(found[0].state, MEMBER_ERASED);
    assert_true(str_eq(found[0].external_id, STR("\0"
                                                 "9223372036854775807")));
    assert_ok(
        member_keys_insert(db[CAROL], arena, &(struct member_key_row){T, STR("agent-17"), {5}, .has_key = false}, 1)); /* the id is free */
}

static struct member_state *state_of(uint64_t no, uint64_t version) {
    struct member_state *s = NEW(arena, struct member_state);
    s->tenant = T;
    s->member.v = no;
    s->version = version;
    s->hot_dirty = true;
    struct wallet *w = state_wallet(arena, s, 1, PART_AVAILABLE);
    w->balance = 20;
    w->seq = 3;
    w->hash = hash_of(0xee);
    w->last_created_at = 12345;
    state_lifetime(arena, s, 1)->earned = 25;
    *LIST_PUSH(arena, &s->counters) = (struct counter){COUNTER_METRIC, 4, PERIOD_DAY, 86400000, 1000};
    s->type = STR("");
    return s;
}

static void state_rows_are_created_locked_and_written(void **state) {
    (void)state;
    struct member_ref refs[] = {one(5), one(6)};
    struct member_state *found;
    size_t n;
    assert_ok(db_begin(db[CAROL]));
    assert_ok(states_lock(db[CAROL], arena, refs, 2));
    assert_ok(states_load(db[CAROL], arena, refs, 2, &found, &n));
    assert_true(n == 2 && found[0].version == 1 && found[0].wallets.n == 0); /* one more than the last outcome's: none */
    struct member_state *five = state_of(5, 9), *six = state_of(6, 2);
    five->cold_dirty = true;
    five->type = STR("agent");
    five->status = MEMBER_SUSPENDED;
    const struct member_state *both[] = {five, six};
    assert_ok(states_write(db[CAROL], arena, both, 2));
    assert_ok(db_commit(db[CAROL]));
    assert_ok(states_load(db[CAROL], arena, refs, 1, &found, &n));
    assert_int_equal(n, 1);
    assert_true(found[0].tenant.v == T.v && found[0].member.v == 5 && found[0].version == 9 && found[0].status == MEMBER_SUSPENDED);
    assert_str(found[0].type, "agent");
    assert_true(found[0].wallets.n == 1 && found[0].wallets.items[0].balance == 20 && found[0].wallets.items[0].seq == 3);
    assert_memory_equal(found[0].wallets.items[0].hash.b, hash_of(0xee).b, 16);
    assert_true(found[0].lifetimes.n == 1 && found[0].lifetimes.items[0].earned == 25);
    assert_true(found[0].counters.n == 1 && found[0].counters.items[0].start == 86400000 && found[0].counters.items[0].value == 1000);
    assert_ok(db_begin(db[CAROL]));
    assert_ok(states_lock(db[CAROL], arena, refs, 2));
    assert_ok(states_load(db[CAROL], arena, refs, 2, &found, &n));
    assert_int_equal(found[0].version, 10);
    db_rollback(db[CAROL]);
}

static void members_are_found_with_their_states_in_one_statement(void **state) {
    (void)state;
    struct member_key_row keys[] = {member_key_of(T, STR("agent-17"), 17), member_key_of(T, STR("agent-18"), 18),
                                    member_key_of(T, STR("bare"), 19)}; /* the last: a key without a state row */
    const struct member_name names[] = {{T, STR("agent-18")},  {T, STR("bare")},     {T, STR("agent-17")},
                                        {T, STR("agent-17 ")}, {T, STR("agent-17")}, {OTHER, STR("agent-17")}};
    struct member_row *rows, *again;
    size_t n;
    assert_ok(member_keys_insert(db[CAROL], arena, keys, 3));
    struct member_state *written = state_of(17, 4);
    const struct member_state *states[] = {written, state_of(18, 9)};
    assert_ok(states_write(db[CAROL], arena, states, 2));
    side("INSERT INTO tenant (tenant_id, code, status, config_version, watermark_ms, created_at) VALUES (7, 'seven', 1, 5, 0, 0)");
    assert_ok(members_load(db[CAROL], arena, names, COUNT(names), &rows, &n));
    assert_int_equal(n, 2);
    struct member_row *r = str_is(rows[0].name.external_id, "agent-17") ? &rows[0] : &rows[1], *other = &rows[rows == r];
    assert_str(r->name.external_id, "agent-17");
    assert_str(other->name.external_id, "agent-18");
    assert_true(other->name.tenant.v == T.v && other->state->member.v == 18 && other->state->version == 9);
    assert_int_equal(r->config_version, 5);
    assert_true(r->name.tenant.v == T.v && r->state->tenant.v == T.v && r->state->member.v == 17 && r->state->version == 4);
    assert_true(r->state->wallets.n == 1 && r->state->wallets.items[0].balance == 20);
    assert_memory_equal(r->sealing_key, keys[0].sealing_key, SEAL_KEY_BYTES);
    written->wallets.items[0].balance = 21; /* the same version with another content, as after a restore */
    assert_ok(states_write(db[CAROL], arena, states, 1));
    assert_ok(members_load(db[CAROL], arena, &names[2], 1, &again, &n));
    assert_true(n == 1 && again->state->version == r->state->version && again->sum != r->sum);
    assert_ok(member_key_erase(db[CAROL], arena, T, (member_no){17}));
    assert_ok(members_load(db[CAROL], arena, names, COUNT(names), &again, &n));
    assert_true(n == 1 && again->state->member.v == 18);
}

static void a_member_is_found_with_its_profile_in_one_statement(void **state) {
    (void)state;
    struct member_key_row keys[] = {member_key_of(T, STR("agent-17"), 17), member_key_of(T, STR("agent-18"), 18),
                                    member_key_of(T, STR("bare"), 19)};
    const struct member_state *states[] = {state_of(17, 4), state_of(18, 9)};
    struct profile_row p = {one(17), STR("Zoë"), STR("{\"a\":1}"), STR("{\"gym\":[\"x\"]}"), STR("agent"), MEMBER_ACTIVE}, found;
    struct member_row row;
    assert_ok(member_keys_insert(db[CAROL], arena, keys, 3));
    assert_ok(states_write(db[CAROL], arena, states, 2));
    assert_ok(profile_write(db[CAROL], arena, &p));
    side("INSERT INTO tenant (tenant_id, code, status, config_version, watermark_ms, created_at) VALUES (7, 'seven', 1, 5, 0, 0)");
    assert_ok(member_load_whole(db[CAROL], arena, &(struct member_name){T, STR("agent-17")}, &row, &found));
    assert_str(row.name.external_id, "agent-17");
    assert_true(row.config_version == 5 && row.state->version == 4 && row.state->member.v == 17 && found.m.member.v == 17);
    assert_memory_equal(row.sealing_key, keys[0].sealing_key, SEAL_KEY_BYTES);
    assert_str(found.display_name, "Zoë");
    assert_str(found.attributes, "{\"a\":1}");
    assert_str(found.groups, "{\"gym\":[\"x\"]}");
    assert_ok(member_load_whole(db[CAROL], arena, &(struct member_name){T, STR("agent-18")}, &row, &found));
    assert_true(row.state->version == 9 && found.display_name.n == 0 && found.attributes.n == 0 && found.groups.n == 0);
    assert_int_equal(member_load_whole(db[CAROL], arena, &(struct member_name){T, STR("bare")}, &row, &found), DB_NOT_FOUND);
    assert_int_equal(member_load_whole(db[CAROL], arena, &(struct member_name){OTHER, STR("agent-17")}, &row, &found), DB_NOT_FOUND);
    assert_ok(member_key_erase(db[CAROL], arena, T, (member_no){17}));
    assert_int_equal(member_load_whole(db[CAROL], arena, &(struct member_name){T, STR("agent-17")}, &row, &found), DB_NOT_FOUND);
}

static void the_cold_part_stays_where_nobody_changed_it(void **state) {
    (void)state;
    struct member_ref m = one(5);
    struct member_state *s = state_of(5, 1), *found;
    const struct member_state *rows[] = {s};
    size_t n;
    s->cold_dirty = true;
    s->type = STR("agent");
    assert_ok(states_write(db[CAROL], arena, rows, 1));
    s->cold_dirty = false;
    s->type = STR("not written");
    s->version = 2;
    s->wallets.items[0].balance = 21;
    assert_ok(states_write(db[CAROL], arena, rows, 1));
    assert_ok(states_load(db[CAROL], arena, &m, 1, &found, &n));
    assert_true(n == 1 && found[0].version == 2 && found[0].wallets.items[0].balance == 21);
    assert_str(found[0].type, "agent");
}

static void a_damaged_state_row_is_fatal(void **state) {
    (void)state;
    struct member_ref m = one(5);
    struct member_state *found;
    size_t n;
    side("INSERT INTO member_state VALUES (7, 5, 1, 'zzz', '')");
    assert_result(states_load(db[CAROL], arena, &m, 1, &found, &n), "fatal");
    side("INSERT INTO member_period VALUES (7, 5, 2, 86400000, 'zzz')");
    struct closed_row wanted = {.m = m, .period = {.kind = PERIOD_DAY, .start = 86400000}}, *closed;
    assert_result(closed_load(db[CAROL], arena, &wanted, 1, &closed, &n), "fatal");
}

static struct closed_row closed_of(uint64_t no, enum period_kind kind, int64_t start, int64_t value) {
    struct closed_row row = {.m = one(no), .period = {.kind = kind, .start = start}};
    *LIST_PUSH(arena, &row.period.counters) = (struct counter){COUNTER_METRIC, 4, kind, start, value};
    return row;
}

static void closed_periods_come_back(void **state) {
    (void)state;
    struct closed_row rows[] = {closed_of(5, PERIOD_DAY, 86400000, 1), closed_of(5, PERIOD_EVER, 0, 2),
                                closed_of(6, PERIOD_DAY, 86400000, 3)},
                      *found;
    size_t n;
    assert_ok(closed_write(db[CAROL], arena, rows, 3));
    rows[0].period.counters.items[0].value = 11;
    assert_ok(closed_write(db[CAROL], arena, rows, 1));
    struct closed_row wanted[] = {{.m = one(5), .period = {.kind = PERIOD_DAY, .start = 86400000}},
                                  {.m = one(5), .period = {.kind = PERIOD_WEEK, .start = 86400000}}};
    assert_ok(closed_load(db[CAROL], arena, wanted, 2, &found, &n));
    assert_int_equal(n, 1);
    assert_true(found[0].m.member.v == 5 && found[0].period.kind == PERIOD_DAY && found[0].period.start == 86400000);
    assert_true(found[0].period.counters.n == 1 && found[0].period.counters.items[0].value == 11);
}

static void payments_are_loaded_by_range(void **state) {
    (void)state;
    struct payment_row rows[] = {{one(5), 1, 100}, {one(5), 1, 200}, {one(5), 1, 300}, {one(5), 2, 200}, {one(6), 1, 200}}, *found;
    struct payment_range wanted[] = {{one(5), {1, 100, 200}}, {one(6), {1, 0, 199}}, {one(5), {2, 200, 200}}};
    uint64_t purged;
    size_t n;
    assert_ok(payments_insert(db[CAROL], arena, rows, 5));
    assert_ok(payments_insert(db[CAROL], arena, rows, 2)); /* a duplicate is one row */
    assert_ok(payments_load(db[CAROL], arena, wanted, 3, &found, &n));
    assert_int_equal(n, 3);
    assert_true(found[0].time_ms == 100 && found[1].time_ms == 200 && found[1].rule == 1 && found[2].rule == 2);
    assert_true(found[2].m.tenant.v == T.v && found[2].m.member.v == 5);
    assert_ok(payments_purge(db[CAROL], arena, T, 300, 2, &purged));
    assert_int_equal(purged, 2);
    assert_ok(payments_purge(db[CAROL], arena, OTHER, 1000, 100, &purged));
    assert_int_equal(purged, 0);
    assert_ok(payments_purge(db[CAROL], arena, T, 300, 100, &purged));
    assert_int_equal(purged, 2);
    assert_int_equal(side_number("SELECT event_time FROM rule_paid"), 300);
}

static void profiles_and_what_else_is_erasable(void **state) {
    (void)state;
    struct profile_row p = {one(5), STR("Zoë 🎉"), STR("{\"team\":\"a\"}"), STR(""), STR("agent"), MEMBER_ACTIVE}, *found;
    struct payment_row paid = {one(5), 1, 100};
    struct member_ref refs[] = {one(4), one(5)};
    size_t n;
    assert_ok(profile_write(db[CAROL], arena, &p));
    p.groups = STR("{\"gym\":[\"x\"]}");
    p.type = STR("lead");
    p.status = MEMBER_SUSPENDED;
    assert_ok(profile_write(db[CAROL], arena, &p));
    assert_ok(profiles_load(db[CAROL], arena, refs, 2, &found, &n));
    assert_int_equal(n, 1);
    assert_int_equal(found[0].m.member.v, 5);
    assert_str(found[0].display_name, "Zoë 🎉");
    assert_str(found[0].attributes, "{\"team\":\"a\"}");
    assert_str(found[0].groups, "{\"gym\":[\"x\"]}");
    assert_str(found[0].type, "lead");
    assert_int_equal(found[0].status, MEMBER_SUSPENDED);
    assert_ok(payments_insert(db[CAROL], arena, &paid, 1));
    side("INSERT INTO derived_event VALUES (7, 5, 'x', 1, ''), (7, 6, 'x', 1, ''), (8, 5, 'x', 1, '')");
    assert_ok(member_erase_rows(db[CAROL], arena, one(5)));
    assert_ok(profiles_load(db[CAROL], arena, refs, 2, &found, &n));
    assert_int_equal(n, 0);
    assert_int_equal(side_number("SELECT COUNT(*) FROM rule_paid"), 0);
    assert_int_equal(side_number("SELECT COUNT(*) FROM derived_event"), 2);
}

/* ---- the ledger ---- */

static struct entry_row entry_of(uint64_t no, uint64_t seq, int64_t amount, enum transfer_kind kind, int64_t created_at) {
    return (struct entry_row){one(no),
                              {.currency = 2,
                               .part = PART_AVAILABLE,
                               .seq = seq,
                               .amount = amount,
                               .balance_after = -7,
                               .kind = kind,
                               .contra = ACCOUNT_ISSUANCE,
                               .cause = {20000, 3, 1ULL << 40, 9},
                               .transfer = uuid_of((uint8_t)seq),
                               .created_at = created_at,
                               .hash = hash_of((uint8_t)(seq + 100))}};
}

static void entries_come_back_in_order(void **state) {
    (void)state;
    struct entry_row rows[] = {entry_of(5, 1, 10, KIND_EARNED, 100), entry_of(5, 2, -4, KIND_SPENT, 200),
                               entry_of(5, 3, 5, KIND_BONUS, 300), entry_of(6, 1, 1, KIND_EARNED, 100)},
                     *found;
    size_t n;
    assert_ok(entries_insert(db[CAROL], arena, rows, 4));
    assert_result(entries_insert(db[CAROL], arena, rows, 1), "conflict"); /* a sequence number is given once */
    assert_ok(entries_ascending(db[CAROL], arena, one(5), 2, PART_AVAILABLE, 1, 10, &found, &n));
    assert_true(n == 2 && found[0].e.seq == 2 && found[1].e.seq == 3);
    const struct entry *e = &found[0].e;
    assert_true(found[0].m.tenant.v == T.v && found[0].m.member.v == 5);
    assert_true(e->currency == 2 && e->part == PART_AVAILABLE && e->amount == -4 && e->balance_after == -7);
    assert_true(e->kind == KIND_SPENT && e->contra == ACCOUNT_ISSUANCE && e->created_at == 200);
    assert_true(position_eq(e->cause, (struct position){20000, 3, 1ULL << 40, 9}));
    assert_memory_equal(e->transfer.b, uuid_of(2).b, 16);
    assert_memory_equal(e->hash.b, hash_of(102).b, 16);
    assert_ok(entries_ascending(db[CAROL], arena, one(5), 2, PART_AVAILABLE, 0, 1, &found, &n));
    assert_true(n == 1 && found[0].e.seq == 1);
    assert_ok(entries_ascending(db[CAROL], arena, one(5), 2, PART_HELD, 0, 10, &found, &n));
    assert_int_equal(n, 0);
}

static void check_page(struct entry_filter f, size_t limit, const char *seqs, const char *sums) {
    struct entry_row *found;
    struct entry_sums s;
    struct buf b = buf_new(arena, 256);
    size_t n;
    f.currency = 2;
    f.part = PART_AVAILABLE;
    assert_ok(entries_page(db[CAROL], arena, one(5), &f, limit, &found, &n));
    for (size_t i = 0; i < n; i++) buf_f(&b, "%s%llu", i ? " " : "", (unsigned long long)found[i].e.seq);
    assert_str(buf_str(&b), seqs);
    assert_ok(entries_sum(db[CAROL], arena, one(5), &f, &s));
    assert_str(
        str_printf(arena, "%lld %lld %lld %llu", (long long)s.earned, (long long)s.spent, (long long)s.net, (unsigned long long)s.count),
        sums);
}

static void pages_are_filtered_and_summed(void **state) {
    (void)state;
    struct entry_row rows[] = {entry_of(5, 1, 10, KIND_EARNED, 100), entry_of(5, 2, -4, KIND_SPENT, 200),
                               entry_of(5, 3, 5, KIND_BONUS, 300), entry_of(5, 4, 7, KIND_EARNED, 300)};
    assert_ok(entries_insert(db[CAROL], arena, rows, 4));
    check_page((struct entry_filter){0}, 10, "4 3 2 1", "22 4 18 4");
    check_page((struct entry_filter){0}, 2, "4 3", "22 4 18 4");
    check_page((struct entry_filter){.before = 3}, 10, "2 1", "10 4 6 2");
    check_page((struct entry_filter){.from_ms = 200, .to_ms = 300}, 10, "2", "0 4 -4 1");
    check_page((struct entry_filter){.from_ms = 300}, 10, "4 3", "12 0 12 2");
    check_page((struct entry_filter){.kinds = 1u << KIND_EARNED | 1u << KIND_SPENT}, 10, "4 2 1", "17 4 13 3");
    check_page((struct entry_filter){.kinds = 1u << KIND_DECAY}, 10, "", "0 0 0 0");
}

static void wallets_with_entries_come_back(void **state) {
    (void)state;
    struct entry_row rows[] = {entry_of(5, 1, 1, KIND_EARNED, 1), entry_of(5, 2, 1, KIND_EARNED, 1), entry_of(5, 1, 1, KIND_HOLD, 1)};
    struct wallet_ref *wallets;
    size_t n;
    rows[2].e.part = PART_HELD;
    assert_ok(entries_insert(db[CAROL], arena, rows, 3));
    assert_ok(wallets_with_entries(db[CAROL], arena, one(5), &wallets, &n));
    assert_int_equal(n, 2);
    assert_true(wallets[0].currency == 2 && wallets[0].part == PART_AVAILABLE && wallets[0].last_seq == 2);
    assert_true(wallets[1].part == PART_HELD && wallets[1].last_seq == 1);
}

#define T_(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)
int main(void) {
    const struct CMUnitTest tests[] = {
        T_(member_keys_are_inserted_once),
        T_(an_erased_member_has_neither_id_nor_key),
        T_(state_rows_are_created_locked_and_written),
        T_(members_are_found_with_their_states_in_one_statement),
        T_(a_member_is_found_with_its_profile_in_one_statement),
        T_(the_cold_part_stays_where_nobody_changed_it),
        T_(a_damaged_state_row_is_fatal),
        T_(closed_periods_come_back),
        T_(payments_are_loaded_by_range),
        T_(profiles_and_what_else_is_erasable),
        T_(entries_come_back_in_order),
        T_(pages_are_filtered_and_summed),
        T_(wallets_with_entries_come_back),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
