/* What one change causes has to fit its column (MECHANICS 1): hundreds of levels crossed at once are refused, nothing is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "tests/unit/settling.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

#define LONG_LADDER                                                                                                                        \
    "{'kind':'currency','code':'points'},{'kind':'currency','code':'xp','spendable':false},"                                               \
    "{'kind':'level_ladder','code':'career','currency':'points',"                                                                          \
    "'formula':{'to_next':10,'max_level':1000},'grant_each':[{'currency':'xp','amount':1}]}"

/* An adjustment takes 72 + 68 + 18 bytes and 76 for each level: 860 levels are the most that fit into 65,535. */
static void an_outcome_that_does_not_fit_is_refused(void **state) {
    struct arena *a = *state;
    struct world *w = world_new(a, LONG_LADDER);
    struct faults faults = faults_new(a);
    const struct outcome *o;
    assert_int_equal(world_adjust(w, "points", 8610, &o, &faults), P_STATE_TOO_LARGE);
    assert_string_equal(str_z(a, faults.detail), "too many levels are crossed at once: the outcome would take 65594 bytes; 65535 are kept");
    assert_int_equal(balance(w, "points"), 0);
    assert_int_equal(w->entries.n, 0);

    assert_int_equal(world_adjust(w, "points", 8600, &o, &faults), P_OK);
    assert_int_equal(o->grants.n, 861);
    assert_int_equal(outcome_size(o), 65518);
    assert_int_equal(outcome_encode(a, o).n, 65518);
    assert_int_equal(balance(w, "xp"), 860);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_outcome_that_does_not_fit_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("settle_size", tests, NULL, NULL);
}
