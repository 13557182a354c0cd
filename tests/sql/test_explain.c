/* EXPLAIN of every statement on filled tables: none but those listed reads a whole table or index. */
#include "tests/sql/fixture.h"

#include <string.h>

#include "sql/statements.h"

/* By name, whatever else the catalogue grows: a table of the installation that is small for good, or one that the server makes up. */
static const char *const MAY_SCAN[] = {
    "TENANT_LIST",       "LANES_READ",       "PARTITIONS_LIST",
    "INSTALLATION_READ", "WATERMARKS_RAISE", /* of every tenant, when retention is raised */
    "FOLLOWER_NAMES",
};

static int fill(void **state) {
    group_open(state);
    test_open(state);
    side("SET SESSION optimizer_switch = 'index_merge=off'"); /* as our sessions do */
    side("INSERT INTO tenant SELECT x + 1, x, 0, 0, 0, 0 FROM numbers");
    side("INSERT INTO api_key SELECT x, x DIV 10, '', '', 0, '', '', 0, 0, 0, 0 FROM numbers");
    side("INSERT INTO token_key SELECT x, x DIV 10, '', 1, '', 0, 0 FROM numbers");
    side("INSERT INTO config_version SELECT x DIV 100, x + 1, 0, '', '', 0 FROM numbers");
    side("INSERT INTO definition SELECT x DIV 200, 'rule', x, x + 1, x MOD 100, '' FROM numbers");
    side("INSERT INTO code_number SELECT x DIV 200, 1, x, x FROM numbers");
    side("INSERT INTO member_key SELECT x MOD 5, x, x + 1, NULL, 0 FROM numbers");
    side("INSERT INTO member_state SELECT x MOD 5, x + 1, 1, '', '' FROM numbers");
    side("INSERT INTO member_profile SELECT x MOD 5, x + 1, '', '', '', x MOD 50, x MOD 20 = 0 FROM numbers");
    side("INSERT INTO member_group SELECT x MOD 5, x MOD 3, x DIV 10, x + 1 FROM numbers");
    side("INSERT INTO member_period SELECT x MOD 5, x DIV 10, x MOD 4, x, '' FROM numbers");
    side("INSERT INTO rule_paid SELECT x MOD 5, x DIV 10, 1, x FROM numbers");
    side("INSERT INTO derived_event SELECT x MOD 5, x DIV 10, x, 1, '' FROM numbers");
    side("INSERT INTO entry SELECT x MOD 5, x DIV 50, 1, 1, x, 1, 1, 1, 1, 1, 1, 1, 1, '', x, '' FROM numbers");
    side("INSERT INTO event_identity SELECT x MOD 5, x, '', 1, 1, 1, 1, 1, x MOD 40 FROM numbers");
    side("INSERT INTO outcome SELECT x MOD 20, x MOD 7, x, 0, 1, x MOD 5, x DIV 50, x, '', '' FROM numbers");
    side("INSERT INTO lane SELECT x + 1, '', x, 1, 1 FROM numbers");
    side("INSERT INTO follower SELECT x MOD 5, x, 1, 1 FROM numbers");
    side("INSERT INTO rollup SELECT x DIV 20, x MOD 20, 1, 1 FROM numbers");
    side("INSERT INTO idempotency SELECT x MOD 5, x MOD 3, 0, '', x, '', x, 1, 1, 1, 1, 1, '' FROM numbers");
    side("INSERT INTO audit SELECT x MOD 5, x, x, '', '', '', '' FROM numbers");
    side("ANALYZE TABLE audit, tenant, api_key, token_key, config_version, definition, code_number, member_key, member_state, "
         "member_profile, "
         "member_group, member_period, rule_paid, derived_event, entry, event_identity, outcome, lane, follower, rollup, "
         "idempotency");
    return 0;
}

/* The text as it runs for a group of two, with a literal of each bind's type; ascending, so that ranges are not empty. */
static struct str with_literals(const struct statement *def) {
    struct buf b = buf_new(arena, 65536);
    const char *letter = def->in, *group = NULL, *group_letters = NULL;
    unsigned value = 1, row = 0;
    buf_z(&b, "EXPLAIN FORMAT=TRADITIONAL "); /* of MySQL 9.7 a tree is the default */
    for (const char *p = def->text; *p; p++) {
        while (*letter == '(' || *letter == ')') letter++;
        if (*p == '{') {
            group = p;
            group_letters = letter;
        } else if (*p == '}' && row == 0) {
            row = 1;
            p = group;
            letter = group_letters;
            buf_z(&b, ", ");
        } else if (*p == '?') {
            buf_f(&b, strchr("bs", *letter) ? "'%u'" : "%u", value++ + row);
            letter++;
        } else if (*p != '}') {
            buf_c(&b, *p);
        }
    }
    assert_true(buf_ok(&b));
    return buf_str(&b);
}

static bool may_scan(const char *name) {
    for (size_t i = 0; i < COUNT(MAY_SCAN); i++)
        if (strcmp(MAY_SCAN[i], name) == 0) return true;
    return false;
}

static bool uses_key(const char *sql) {
    struct str type = side_row(sql, "type"), extra = side_row(sql, "Extra");
    if (str_is(type, "const") || str_is(type, "eq_ref") || str_is(type, "ref") || str_is(type, "range")) return true;
    /* a unique key that was looked up while planning, and met no row */
    bool constant = type.n == 0 && (memmem(extra.p, extra.n, "const table", 11) || memmem(extra.p, extra.n, "no matching row", 15));
    if (!constant) print_error("type " STR_FMT ", " STR_FMT ": %s\n", STR_ARG(type), STR_ARG(extra), sql);
    return constant;
}

static void statements_use_a_key(void **state) {
    (void)state;
    size_t explained = 0, scans = 0;
    for (int i = 0; i < STMT__MAX; i++) {
        const struct statement *s = &statements[i];
        if (strncmp(s->text, "INSERT", 6) == 0 || strcmp(s->name, "DURABILITY") == 0 || may_scan(s->name)) continue;
        explained++;
        if (!uses_key(str_z(arena, with_literals(s)))) scans++;
    }
    assert_int_equal(scans, 0);
    assert_true(explained > 30);
}

/* Scope TENANT and SET: the text names the tenant (invariant 7). */
static void statements_of_tenants_name_the_tenant(void **state) {
    (void)state;
    for (int i = 0; i < STMT__MAX; i++) {
        const struct statement *s = &statements[i];
        if (s->scope != SCOPE_SYSTEM && (!strstr(s->text, "tenant_id") || !strchr(s->in, 't'))) fail_msg("%s names no tenant", s->name);
        if (s->scope == SCOPE_SET) assert_non_null(strstr(s->in, "("));
        if (s->class == CLASS_READ) assert_true(strncmp(s->text, "SELECT", 6) == 0);
        if (s->class == CLASS_WRITE) assert_true(strncmp(s->text, "SELECT", 6) != 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_use_a_key),
        cmocka_unit_test(statements_of_tenants_name_the_tenant),
    };
    return cmocka_run_group_tests(tests, fill, group_close);
}
