/* Every repository function, there and back, on a real server; what is conditional also where its condition is not met. */
#include "tests/sql/fixture.h"

#include <string.h>

#include "base/limits.h"
#include "sql/audit.h"
#include "sql/events.h"
#include "sql/ledger.h"
#include "sql/members.h"
#include "sql/partitions.h"
#include "sql/tenants.h"

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

/* ---- tenants and keys ---- */

static void tenants_come_back(void **state) {
    (void)state;
    struct tenant_row acme = {.code = STR("acme"), .status = TENANT_ACTIVE, .config_version = 3, .watermark_ms = -5, .created_at = 1000};
    struct tenant_row zeta = {.code = STR("zeta"), .status = TENANT_SUSPENDED, .config_version = UINT64_MAX, .watermark_ms = INT64_MAX};
    struct tenant_row found, *all;
    size_t n;
    assert_ok(tenant_insert(db[CAROL], arena, &acme));
    assert_ok(tenant_insert(db[CAROL], arena, &zeta));
    assert_true(acme.id.v > 0 && zeta.id.v > acme.id.v);
    assert_ok(tenant_by_code(db[CAROL], arena, STR("zeta"), &found));
    assert_int_equal(found.id.v, zeta.id.v);
    assert_int_equal(found.status, TENANT_SUSPENDED);
    assert_true(found.config_version == UINT64_MAX && found.watermark_ms == INT64_MAX && found.created_at == 0);
    assert_ok(tenant_set_status(db[CAROL], arena, acme.id, TENANT_SUSPENDED));
    assert_ok(tenant_by_id(db[CAROL], arena, acme.id, &found));
    assert_str(found.code, "acme");
    assert_true(found.status == TENANT_SUSPENDED && found.config_version == 3 && found.watermark_ms == -5 && found.created_at == 1000);
    assert_result(tenant_by_code(db[CAROL], arena, STR("ACME"), &found), "not-found");
    assert_result(tenant_by_id(db[CAROL], arena, (tenant_id){0}, &found), "not-found");
    assert_ok(tenant_list(db[CAROL], arena, &all, &n));
    assert_int_equal(n, 2);
    assert_str(all[0].code, "acme");
    assert_str(all[1].code, "zeta");
}

static struct key_row key_of(const char *id, tenant_id t) {
    struct key_row k = {.key_id = str_of(id), .tenant = t, .name = STR("Dialer é"), .env = STR("live"), .scopes = 0x80000001};
    k.created_at = 10;
    k.expires_at = 20;
    memset(k.secret_hash, 0xa0, 32);
    return k;
}

static void the_front_reads_keys_with_their_tenants(void **state) {
    (void)state;
    struct tenant_row acme = {.code = STR("acme"), .config_version = 3};
    assert_ok(tenant_insert(db[CAROL], arena, &acme));
    struct key_row own = key_of("k1", acme.id), operators = key_of("k2", (tenant_id){0});
    own.has_former = true;
    own.former_until = 99;
    memset(own.former_hash, 0xb1, 32);
    assert_ok(key_insert(db[CAROL], arena, &own));
    assert_ok(key_insert(db[CAROL], arena, &operators));
    assert_result(key_insert(db[CAROL], arena, &own), "conflict");
    struct str ids[] = {STR("k1"), STR("nobody"), STR("k2"), STR("K1")};
    struct front_row *rows;
    size_t n;
    assert_ok(front_read(db[CAROL], arena, ids, COUNT(ids), &rows, &n));
    assert_int_equal(n, 2);
    const struct front_row *a = str_is(rows[0].key.key_id, "k1") ? &rows[0] : &rows[1], *b = a == rows ? &rows[1] : &rows[0];
    assert_str(a->key.key_id, "k1");
    assert_str(a->key.name, "Dialer é");
    assert_str(a->key.env, "live");
    assert_int_equal(a->key.scopes, 0x80000001);
    assert_memory_equal(a->key.secret_hash, own.secret_hash, 32);
    assert_true(a->key.has_former);
    assert_memory_equal(a->key.former_hash, own.former_hash, 32);
    assert_true(a->key.former_until == 99 && a->key.created_at == 10 && a->key.expires_at == 20 && a->key.revoked_at == 0);
    assert_true(a->key.tenant.v == acme.id.v && a->tenant.id.v == acme.id.v && a->tenant.config_version == 3);
    assert_str(a->tenant.code, "acme");
    assert_str(b->key.key_id, "k2");
    assert_false(b->key.has_former);
    assert_int_equal(b->tenant.id.v, 0);
    assert_str(b->tenant.code, "");
}

static void keys_are_rotated_and_revoked_within_their_tenant(void **state) {
    (void)state;
    uint8_t fresh[32], old[32];
    struct key_row k = key_of("k1", T), *keys;
    size_t n;
    memset(fresh, 0xc2, 32);
    memcpy(old, k.secret_hash, 32);
    assert_ok(key_insert(db[CAROL], arena, &k));
    assert_result(key_rotate(db[CAROL], arena, OTHER, STR("k1"), fresh, 500), "not-found");
    assert_ok(key_rotate(db[CAROL], arena, T, STR("k1"), fresh, 500));
    assert_ok(key_list(db[CAROL], arena, T, &keys, &n));
    assert_int_equal(n, 1);
    assert_memory_equal(keys[0].secret_hash, fresh, 32);
    assert_true(keys[0].has_former && keys[0].former_until == 500);
    assert_memory_equal(keys[0].former_hash, old, 32);
    assert_result(key_revoke(db[CAROL], arena, OTHER, STR("k1"), 600), "not-found");
    assert_ok(key_revoke(db[CAROL], arena, T, STR("k1"), 600));
    assert_ok(key_revoke(db[CAROL], arena, T, STR("k1"), 700)); /* again: the first moment stays */
    assert_result(key_rotate(db[CAROL], arena, T, STR("k1"), old, 900), "not-found");
    assert_ok(key_list(db[CAROL], arena, T, &keys, &n));
    assert_true(n == 1 && keys[0].revoked_at == 600);
    assert_ok(key_list(db[CAROL], arena, OTHER, &keys, &n));
    assert_int_equal(n, 0);
}

/* ---- configuration ---- */

static struct definition_row definition_of(const char *kind, const char *code, uint64_t version, const char *body) {
    return (struct definition_row){.kind = str_of(kind), .code = str_of(code), .body = str_of(body), .version = version};
}

static void definitions_are_kept_by_version(void **state) {
    (void)state;
    struct definition_row first[] = {definition_of("rule", "b", 1, "{\"v\":1}"), definition_of("currency", "points", 1, "{}")};
    struct definition_row second[] = {definition_of("rule", "b", 2, "{\"v\":\"ü\"}"), definition_of("rule", "a", 2, "{}")};
    struct definition_row *found;
    size_t n;
    assert_ok(definitions_insert(db[CAROL], arena, T, first, 2));
    assert_result(definitions_insert(db[CAROL], arena, T, first, 1), "conflict");
    assert_result(definitions_end(db[CAROL], arena, OTHER, first, 1, 2), "not-found");
    assert_ok(definitions_end(db[CAROL], arena, T, first, 1, 2));
    assert_result(definitions_end(db[CAROL], arena, T, first, 1, 3), "not-found"); /* ended already */
    assert_ok(definitions_insert(db[CAROL], arena, T, second, 2));
    assert_ok(definitions_at(db[CAROL], arena, T, 1, &found, &n));
    assert_int_equal(n, 2);
    assert_str(found[0].kind, "currency");
    assert_str(found[1].body, "{\"v\":1}");
    assert_true(found[1].version == 1 && found[1].until == 2);
    assert_ok(definitions_at(db[CAROL], arena, T, 2, &found, &n));
    assert_int_equal(n, 3);
    assert_str(found[1].code, "a");
    assert_str(found[2].body, "{\"v\":\"ü\"}");
    assert_true(found[2].version == 2 && found[2].until == 0);
    assert_ok(definitions_at(db[CAROL], arena, OTHER, 2, &found, &n));
    assert_int_equal(n, 0);
    assert_ok(definition_history(db[CAROL], arena, T, STR("rule"), STR("b"), &found, &n));
    assert_true(n == 2 && found[0].version == 2 && found[1].version == 1 && found[1].until == 2);
}

static void many_definitions_end_at_once(void **state) {
    (void)state;
    struct definition_row d[100], *found;
    size_t n;
    for (size_t i = 0; i < COUNT(d); i++) {
        d[i] = definition_of("rule", "", 1, "{}");
        d[i].code = str_printf(arena, "r%03zu", i);
    }
    assert_ok(definitions_insert(db[CAROL], arena, T, d, COUNT(d)));
    assert_ok(definitions_end(db[CAROL], arena, T, d, COUNT(d), 2));
    assert_ok(definitions_at(db[CAROL], arena, T, 2, &found, &n));
    assert_int_equal(n, 0);
    assert_ok(definitions_at(db[CAROL], arena, T, 1, &found, &n));
    assert_int_equal(n, 100);
}

static void codes_get_a_number_once(void **state) {
    (void)state;
    struct code_number codes[] = {{CODE_RULE, 2, STR("call")}, {CODE_RULE, 1, STR("Call")}, {CODE_ZONE, 1, STR("Europe/Berlin")}}, *found;
    struct code_number same_no = {CODE_RULE, 2, STR("other")}, same_code = {CODE_RULE, 9, STR("call")};
    size_t n;
    assert_ok(codes_insert(db[CAROL], arena, T, codes, 3));
    assert_result(codes_insert(db[CAROL], arena, T, &same_no, 1), "conflict");
    assert_result(codes_insert(db[CAROL], arena, T, &same_code, 1), "conflict");
    assert_ok(codes_read(db[CAROL], arena, T, &found, &n));
    assert_int_equal(n, 3);
    assert_true(found[0].kind == CODE_RULE && found[0].no == 1);
    assert_str(found[0].code, "Call");
    assert_true(found[2].kind == CODE_ZONE && found[2].no == 1);
    assert_str(found[2].code, "Europe/Berlin");
}

static void versions_advance_from_the_one_that_was_read(void **state) {
    (void)state;
    struct tenant_row acme = {.code = STR("acme"), .config_version = 4};
    struct version_row plain = {.version = 5, .created_at = 50, .actor = STR("command"), .zone_before = STR("")};
    struct version_row zone = {.version = 3, .created_at = 30, .actor = STR("k1"), .zone_before = STR("UTC"), .zone_from_ms = 86400000};
    struct version_row found;
    assert_ok(tenant_insert(db[CAROL], arena, &acme));
    assert_result(config_advance(db[CAROL], arena, acme.id, 3), "not-found");
    assert_ok(config_advance(db[CAROL], arena, acme.id, 4));
    assert_result(config_advance(db[CAROL], arena, acme.id, 4), "not-found");
    assert_result(version_zone_change(db[CAROL], arena, acme.id, 9, &found), "not-found");
    assert_ok(version_insert(db[CAROL], arena, acme.id, &plain));
    assert_ok(version_insert(db[CAROL], arena, acme.id, &zone));
    assert_result(version_insert(db[CAROL], arena, acme.id, &zone), "conflict");
    assert_ok(version_zone_change(db[CAROL], arena, acme.id, 9, &found));
    assert_true(found.version == 3 && found.zone_from_ms == 86400000 && found.created_at == 30);
    assert_str(found.zone_before, "UTC");
    assert_str(found.actor, "k1");
    assert_result(version_zone_change(db[CAROL], arena, acme.id, 2, &found), "not-found");
    assert_ok(version_read(db[CAROL], arena, acme.id, 5, &found));
    assert_str(found.actor, "command");
    assert_int_equal(found.zone_before.n, 0);
    assert_result(version_read(db[CAROL], arena, acme.id, 4, &found), "not-found");
    struct version_row *page;
    size_t n;
    assert_ok(versions_page(db[CAROL], arena, acme.id, 100, 10, &page, &n));
    assert_true(n == 2 && page[0].version == 5 && page[1].version == 3);
    assert_ok(versions_page(db[CAROL], arena, acme.id, 5, 1, &page, &n));
    assert_true(n == 1 && page[0].version == 3);
}

static void audit_lines_come_newest_first(void **state) {
    (void)state;
    struct audit_row rows[] = {{T, uuid_of(1), 10, STR("k1"), STR("config.apply"), STR(""), STR("{\"n\":1}")},
                               {T, uuid_of(2), 20, STR("command"), STR("key.revoke"), STR("k1"), STR("")},
                               {OTHER, uuid_of(3), 30, STR("k2"), STR("x"), STR(""), STR("")}}, *found;
    size_t n;
    for (size_t i = 0; i < COUNT(rows); i++) assert_ok(audit_insert(db[CAROL], arena, &rows[i]));
    assert_ok(audit_page(db[CAROL], arena, T, uuid_of(0xff), 10, &found, &n));
    assert_true(n == 2 && found[0].at_ms == 20 && found[1].at_ms == 10 && found[1].tenant.v == T.v);
    assert_memory_equal(found[0].id.b, uuid_of(2).b, 16);
    assert_str(found[0].target, "k1");
    assert_str(found[1].action, "config.apply");
    assert_str(found[1].detail, "{\"n\":1}");
    assert_ok(audit_page(db[CAROL], arena, T, uuid_of(2), 10, &found, &n));
    assert_true(n == 1 && found[0].at_ms == 10);
}

/* ---- members ---- */

static struct member_key_row member_key_of(tenant_id t, struct str id, uint64_t no) {
    struct member_key_row k = {.tenant = t, .external_id = id, .member = {no}, .has_key = true};
    memset(k.sealing_key, (int)no, SEAL_KEY_BYTES);
    return k;
}

static void member_keys_are_inserted_once(void **state) {
    (void)state;
    struct member_key_row rows[] = {member_key_of(T, STR("agent-17"), 17), member_key_of(T, STR("agent-18"), 18), member_key_of(OTHER, STR("agent-17"), 19)};
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
    assert_true(str_eq(found[0].external_id, STR("\0" "9223372036854775807")));
    assert_ok(member_keys_insert(db[CAROL], arena, &(struct member_key_row){T, STR("agent-17"), {5}, .has_key = false}, 1)); /* the id is free */
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
    struct closed_row *closed;
    assert_result(closed_of_member(db[CAROL], arena, m, &closed, &n), "fatal");
}

static void slices_of_a_tenant_are_ascending(void **state) {
    (void)state;
    struct member_state *found;
    size_t n;
    side("INSERT INTO member_state SELECT 7, x + 1, 1, '', '' FROM numbers WHERE x < 10");
    side("INSERT INTO member_state VALUES (8, 3, 1, '', '')");
    assert_ok(states_slice(db[CAROL], arena, T, (member_no){4}, 3, &found, &n));
    assert_true(n == 3 && found[0].member.v == 5 && found[2].member.v == 7 && found[2].tenant.v == T.v);
    assert_ok(states_slice(db[CAROL], arena, T, (member_no){10}, 3, &found, &n));
    assert_int_equal(n, 0);
}

static struct closed_row closed_of(uint64_t no, enum period_kind kind, int64_t start, int64_t value) {
    struct closed_row row = {.m = one(no), .period = {.kind = kind, .start = start}};
    *LIST_PUSH(arena, &row.period.counters) = (struct counter){COUNTER_METRIC, 4, kind, start, value};
    return row;
}

static void closed_periods_come_back(void **state) {
    (void)state;
    struct closed_row rows[] = {closed_of(5, PERIOD_DAY, 86400000, 1), closed_of(5, PERIOD_EVER, 0, 2), closed_of(6, PERIOD_DAY, 86400000, 3)}, *found;
    size_t n;
    assert_ok(closed_write(db[CAROL], arena, rows, 3));
    rows[0].period.counters.items[0].value = 11;
    assert_ok(closed_write(db[CAROL], arena, rows, 1));
    struct closed_row wanted[] = {{.m = one(5), .period = {.kind = PERIOD_DAY, .start = 86400000}}, {.m = one(5), .period = {.kind = PERIOD_WEEK, .start = 86400000}}};
    assert_ok(closed_load(db[CAROL], arena, wanted, 2, &found, &n));
    assert_int_equal(n, 1);
    assert_true(found[0].m.member.v == 5 && found[0].period.kind == PERIOD_DAY && found[0].period.start == 86400000);
    assert_true(found[0].period.counters.n == 1 && found[0].period.counters.items[0].value == 11);
    assert_ok(closed_of_member(db[CAROL], arena, one(5), &found, &n));
    assert_true(n == 2 && found[0].period.kind == PERIOD_EVER && found[0].period.counters.items[0].value == 2);
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
    struct profile_row p = {one(5), STR("Zoë 🎉"), STR("{\"team\":\"a\"}"), STR("")}, *found;
    struct payment_row paid = {one(5), 1, 100};
    struct member_ref refs[] = {one(4), one(5)};
    size_t n;
    assert_ok(profile_write(db[CAROL], arena, &p));
    p.groups = STR("{\"gym\":[\"x\"]}");
    assert_ok(profile_write(db[CAROL], arena, &p));
    assert_ok(profiles_load(db[CAROL], arena, refs, 2, &found, &n));
    assert_int_equal(n, 1);
    assert_int_equal(found[0].m.member.v, 5);
    assert_str(found[0].display_name, "Zoë 🎉");
    assert_str(found[0].attributes, "{\"team\":\"a\"}");
    assert_str(found[0].groups, "{\"gym\":[\"x\"]}");
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
    struct entry_row rows[] = {entry_of(5, 1, 10, KIND_EARNED, 100), entry_of(5, 2, -4, KIND_SPENT, 200), entry_of(5, 3, 5, KIND_BONUS, 300),
                               entry_of(6, 1, 1, KIND_EARNED, 100)}, *found;
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
    assert_str(str_printf(arena, "%lld %lld %lld %llu", (long long)s.earned, (long long)s.spent, (long long)s.net, (unsigned long long)s.count), sums);
}

static void pages_are_filtered_and_summed(void **state) {
    (void)state;
    struct entry_row rows[] = {entry_of(5, 1, 10, KIND_EARNED, 100), entry_of(5, 2, -4, KIND_SPENT, 200), entry_of(5, 3, 5, KIND_BONUS, 300),
                               entry_of(5, 4, 7, KIND_EARNED, 300)};
    assert_ok(entries_insert(db[CAROL], arena, rows, 4));
    check_page((struct entry_filter){0}, 10, "4 3 2 1", "22 4 18 4");
    check_page((struct entry_filter){0}, 2, "4 3", "22 4 18 4");
    check_page((struct entry_filter){.before = 3}, 10, "2 1", "10 4 6 2");
    check_page((struct entry_filter){.from_ms = 200, .to_ms = 300}, 10, "2", "0 4 -4 1");
    check_page((struct entry_filter){.from_ms = 300}, 10, "4 3", "12 0 12 2");
    check_page((struct entry_filter){.kinds = 1u << KIND_EARNED | 1u << KIND_SPENT}, 10, "4 2 1", "17 4 13 3");
    check_page((struct entry_filter){.kinds = 1u << KIND_DECAY}, 10, "", "0 0 0 0");
}

static void wallets_and_checkpoints_come_back(void **state) {
    (void)state;
    struct entry_row rows[] = {entry_of(5, 1, 1, KIND_EARNED, 1), entry_of(5, 2, 1, KIND_EARNED, 1), entry_of(5, 1, 1, KIND_HOLD, 1)};
    struct checkpoint_row p = {one(5), 2, PART_HELD, 7, -3, hash_of(9), 1000}, *points;
    struct member_ref refs[] = {one(5), one(6)};
    struct wallet_ref *wallets;
    size_t n;
    rows[2].e.part = PART_HELD;
    assert_ok(entries_insert(db[CAROL], arena, rows, 3));
    assert_ok(wallets_with_entries(db[CAROL], arena, one(5), &wallets, &n));
    assert_int_equal(n, 2);
    assert_true(wallets[0].currency == 2 && wallets[0].part == PART_AVAILABLE && wallets[0].last_seq == 2);
    assert_true(wallets[1].part == PART_HELD && wallets[1].last_seq == 1);
    assert_ok(checkpoints_write(db[CAROL], arena, &p, 1));
    p.seq = 8;
    assert_ok(checkpoints_write(db[CAROL], arena, &p, 1));
    assert_ok(checkpoints_load(db[CAROL], arena, refs, 2, &points, &n));
    assert_int_equal(n, 1);
    assert_true(points[0].m.member.v == 5 && points[0].currency == 2 && points[0].part == PART_HELD && points[0].seq == 8);
    assert_true(points[0].balance == -3 && points[0].checked_at == 1000);
    assert_memory_equal(points[0].hash.b, p.hash.b, 16);
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

static void a_lane_is_read_over_midnight(void **state) {
    (void)state;
    struct outcome_row rows[] = {outcome_of(20000, 1, 1, 0, 1), outcome_of(20000, 1, 2, 0, 2), outcome_of(20000, 1, 2, 1, 3),
                                 outcome_of(20002, 1, 3, 0, 4), outcome_of(20000, 2, 9, 0, 5)}, *found;
    size_t n;
    assert_ok(outcomes_insert(db[CAROL], arena, rows, 5));
    assert_ok(lane_rows(db[CAROL], arena, 1, 20000, 20003, 1, 100, &found, &n));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) assert_true(position_eq(found[i].at, rows[i + 1].at));
    assert_ok(lane_rows(db[CAROL], arena, 1, 20000, 20003, 0, 2, &found, &n));
    assert_true(n == 2 && found[1].at.n == 2 && found[1].at.i == 0);
    assert_ok(lane_rows(db[CAROL], arena, 1, 20001, 20001, 0, 100, &found, &n));
    assert_int_equal(n, 0);
}

static void outcomes_of_a_member_come_by_version(void **state) {
    (void)state;
    struct outcome_row rows[] = {outcome_of(20001, 1, 1, 0, 3), outcome_of(20000, 2, 1, 0, 1), outcome_of(20000, 3, 1, 0, 2)}, *found;
    size_t n;
    assert_ok(outcomes_insert(db[CAROL], arena, rows, 3));
    assert_ok(outcomes_of_member(db[CAROL], arena, T, (member_no){5}, 1, 10, &found, &n));
    assert_true(n == 2 && found[0].member_version == 2 && found[1].member_version == 3);
    assert_ok(outcomes_of_member(db[CAROL], arena, OTHER, (member_no){5}, 0, 10, &found, &n));
    assert_int_equal(n, 0);
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
    mine = (struct lane_row){1, uuid_of(3), 3000, 20001, 7};
    assert_ok(lane_write(db[CAROL], arena, &mine));
    assert_ok(lane_write(db[CAROL], arena, &mine)); /* unchanged, but found */
    struct lane_row former = lanes[0];
    assert_result(lane_write(db[CAROL], arena, &former), "not-found");
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
    other.member.v = 5; /* a member token's own */
    assert_result(idempotency_find(db[CAROL], arena, &other, &found), "not-found");
    other = row;
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
        T_(tenants_come_back),
        T_(the_front_reads_keys_with_their_tenants),
        T_(keys_are_rotated_and_revoked_within_their_tenant),
        T_(definitions_are_kept_by_version),
        T_(many_definitions_end_at_once),
        T_(codes_get_a_number_once),
        T_(versions_advance_from_the_one_that_was_read),
        T_(audit_lines_come_newest_first),
        T_(member_keys_are_inserted_once),
        T_(an_erased_member_has_neither_id_nor_key),
        T_(state_rows_are_created_locked_and_written),
        T_(the_cold_part_stays_where_nobody_changed_it),
        T_(a_damaged_state_row_is_fatal),
        T_(slices_of_a_tenant_are_ascending),
        T_(closed_periods_come_back),
        T_(payments_are_loaded_by_range),
        T_(profiles_and_what_else_is_erasable),
        T_(entries_come_back_in_order),
        T_(pages_are_filtered_and_summed),
        T_(wallets_and_checkpoints_come_back),
        T_(the_first_identity_stays),
        T_(a_duplicate_waits_for_the_one_that_is_settled_elsewhere),
        T_(outcomes_are_found_by_position_and_tenant),
        T_(a_lane_is_read_over_midnight),
        T_(outcomes_of_a_member_come_by_version),
        T_(a_lane_belongs_to_one_owner),
        T_(a_follower_is_locked_by_its_name),
        T_(rollups_add_up),
        T_(an_idempotency_key_is_kept_with_its_answer),
        T_(partitions_are_added_ahead_and_dropped_behind),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
