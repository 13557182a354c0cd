/* Tenants, their keys, their configuration and their audit log: every repository function there and back, and what is conditional also
 * where its condition is not met. */
#include "tests/sql/fixture.h"

#include <string.h>

#include "sql/audit.h"
#include "sql/tenants.h"

static const tenant_id T = {7}, OTHER = {8};

static struct uuid uuid_of(uint8_t v) {
    struct uuid u;
    memset(u.b, v, sizeof u.b);
    return u;
}

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
    assert_ok(tenant_page(db[CAROL], arena, (tenant_id){0}, 1, &all, &n));
    assert_true(n == 1 && str_is(all[0].code, "acme"));
    assert_ok(tenant_page(db[CAROL], arena, all[0].id, 10, &all, &n));
    assert_true(n == 1 && str_is(all[0].code, "zeta"));
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

/* ---- keys of member tokens ---- */

static void token_keys_come_back(void **state) {
    (void)state;
    struct tenant_row acme = {.code = STR("acme"), .config_version = 3}, zeta = {.code = STR("zeta"), .status = TENANT_SUSPENDED};
    struct token_front_row *rows;
    struct token_key_row *keys;
    size_t n;
    assert_ok(tenant_insert(db[CAROL], arena, &acme));
    assert_ok(tenant_insert(db[CAROL], arena, &zeta));
    struct token_key_row first = {.kid = STR("k1"), .tenant = acme.id, .name = STR("app é"), .algorithm = 4, .created_at = 10},
                         second = {.kid = STR("k2"), .tenant = zeta.id, .name = STR("b"), .algorithm = 1, .created_at = 20};
    first.material = (struct str){"\0\1\377", 3};
    second.material = (struct str){arena_alloc(arena, 4096), 4096};
    assert_ok(token_key_insert(db[CAROL], arena, &first));
    assert_ok(token_key_insert(db[CAROL], arena, &second));
    second.tenant = acme.id;
    assert_result(token_key_insert(db[CAROL], arena, &second), "conflict"); /* a kid is given once, whoever has it */
    struct str kids[] = {STR("k2"), STR("K1"), STR("nobody"), STR("k1")};
    assert_ok(token_front_read(db[CAROL], arena, kids, COUNT(kids), &rows, &n));
    assert_int_equal(n, 2);
    const struct token_front_row *a = str_is(rows[0].key.kid, "k1") ? &rows[0] : &rows[1], *b = a == rows ? &rows[1] : &rows[0];
    assert_str(a->key.kid, "k1");
    assert_str(a->key.name, "app é");
    assert_true(a->key.algorithm == 4 && a->key.created_at == 10 && a->key.revoked_at == 0 && a->key.tenant.v == acme.id.v);
    assert_true(a->key.material.n == 3 && memcmp(a->key.material.p, "\0\1\377", 3) == 0);
    assert_str(a->tenant.code, "acme");
    assert_true(a->tenant.id.v == acme.id.v && a->tenant.config_version == 3);
    assert_true(b->key.material.n == 4096 && b->tenant.status == TENANT_SUSPENDED && b->tenant.id.v == zeta.id.v);
    assert_result(token_key_revoke(db[CAROL], arena, zeta.id, STR("k1"), 600), "not-found");
    assert_ok(token_key_revoke(db[CAROL], arena, acme.id, STR("k1"), 600));
    assert_ok(token_key_revoke(db[CAROL], arena, acme.id, STR("k1"), 700)); /* again: the first moment stays */
    assert_ok(token_key_list(db[CAROL], arena, acme.id, &keys, &n));
    assert_true(n == 1 && keys[0].revoked_at == 600 && str_is(keys[0].kid, "k1"));
    assert_ok(token_key_list(db[CAROL], arena, OTHER, &keys, &n));
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
    assert_ok(definition_history(db[CAROL], arena, T, STR("rule"), STR("b"), 1000, 10, &found, &n));
    assert_true(n == 2 && found[0].version == 2 && found[1].version == 1 && found[1].until == 2);
    assert_ok(definition_history(db[CAROL], arena, T, STR("rule"), STR("b"), 1000, 1, &found, &n));
    assert_true(n == 1 && found[0].version == 2);
    assert_ok(definition_history(db[CAROL], arena, T, STR("rule"), STR("b"), 2, 10, &found, &n));
    assert_true(n == 1 && found[0].version == 1);
}

static void keys_are_paged_as_they_were_made(void **state) {
    (void)state;
    struct key_row made[4] = {key_of("p4", T), key_of("p3", T), key_of("p2", T), key_of("p1", OTHER)}, *keys;
    struct token_key_row tokens[3], *found;
    size_t n;
    made[0].created_at = 5;
    made[1].created_at = made[2].created_at = 7;
    for (size_t i = 0; i < COUNT(made); i++) assert_ok(key_insert(db[CAROL], arena, &made[i]));
    assert_ok(key_page(db[CAROL], arena, T, 0, STR(""), 2, &keys, &n));
    assert_true(n == 2 && str_is(keys[0].key_id, "p4") && str_is(keys[1].key_id, "p2"));
    assert_ok(key_page(db[CAROL], arena, T, 7, STR("p2"), 2, &keys, &n));
    assert_true(n == 1 && str_is(keys[0].key_id, "p3"));
    for (size_t i = 0; i < COUNT(tokens); i++) {
        tokens[i] = (struct token_key_row){.kid = made[i].key_id, .tenant = T, .name = STR("n"), .created_at = made[i].created_at};
        tokens[i].material = STR("m");
        assert_ok(token_key_insert(db[CAROL], arena, &tokens[i]));
    }
    assert_ok(token_key_page(db[CAROL], arena, T, 5, STR("p4"), 1, &found, &n));
    assert_true(n == 1 && str_is(found[0].kid, "p2"));
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
    acme.watermark_ms = 1;
    assert_result(tenant_set_watermark(db[CAROL], arena, &acme, -5), "not-found"); /* another by now */
    acme.watermark_ms = 0;
    assert_ok(tenant_set_watermark(db[CAROL], arena, &acme, -5));
    assert_ok(tenant_by_id(db[CAROL], arena, acme.id, &acme));
    assert_true(acme.watermark_ms == -5 && acme.config_version == 5);
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
                               {OTHER, uuid_of(3), 30, STR("k2"), STR("x"), STR(""), STR("")}},
                     *found;
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

#define T_(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)
int main(void) {
    const struct CMUnitTest tests[] = {
        T_(tenants_come_back),
        T_(the_front_reads_keys_with_their_tenants),
        T_(keys_are_rotated_and_revoked_within_their_tenant),
        T_(token_keys_come_back),
        T_(keys_are_paged_as_they_were_made),
        T_(definitions_are_kept_by_version),
        T_(many_definitions_end_at_once),
        T_(codes_get_a_number_once),
        T_(versions_advance_from_the_one_that_was_read),
        T_(audit_lines_come_newest_first),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
