/* The compiled configurations that a process keeps, without a database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "service/inside.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

static struct service *service_of(struct arena *a, size_t n) {
    struct service *s = NEW(a, struct service);
    s->cap_programs = 2 * PROGRAMS_MAX;
    s->programs = NEW_ARRAY(a, struct program_slot, s->cap_programs);
    for (s->n_programs = 0; s->n_programs < n; s->n_programs++) {
        s->programs[s->n_programs] = (struct program_slot){
            .tenant = {(uint32_t)s->n_programs + 1}, .version = 1, .used = ++s->clock, .bytes = 50000, .program = NEW(a, struct program)};
    }
    return s;
}

static bool is_kept(struct service *s, uint32_t tenant) {
    for (size_t i = 0; i < s->n_programs; i++) {
        if (s->programs[i].tenant.v == tenant) return true;
    }
    return false;
}

static void the_oldest_go_when_there_are_too_many(void **state) {
    struct service *s = service_of(*state, PROGRAMS_MAX + 2);
    s->programs[0].used = ++s->clock;
    programs_trim(s);
    assert_int_equal(s->n_programs, PROGRAMS_MAX);
    assert_true(is_kept(s, 1) && !is_kept(s, 2) && !is_kept(s, 3) && is_kept(s, 4));
}

/* A tenant with many rules, again and again changed, would otherwise take gigabytes. */
static void the_oldest_go_when_they_are_too_large(void **state) {
    struct service *s = service_of(*state, 4);
    s->programs[1].bytes = s->programs[3].bytes = PROGRAM_BYTES_MAX / 2;
    programs_trim(s);
    assert_int_equal(s->n_programs, 2);
    assert_true(is_kept(s, 3) && is_kept(s, 4));
    s->programs[0].bytes = s->programs[1].bytes = PROGRAM_BYTES_MAX + 1;
    programs_trim(s);
    assert_int_equal(s->n_programs, 1);
    assert_true(is_kept(s, 4)); /* the last used stays, however large */
}

/* Without a database here: whatever would compile it again would fail. Asked for, it counts as used: once it was always the first to go,
 * and where more tenants than PROGRAMS_MAX were busy it was read and compiled at every request. */
static void what_does_not_compile_is_remembered(void **state) {
    struct service *s = service_of(*state, PROGRAMS_MAX + 2);
    struct faults f = faults_new(*state);
    const struct program *p;
    s->programs[1].program = NULL;
    s->programs[1].retry_us = clock_monotonic_us() + 60 * INT64_C(1000000);
    assert_int_equal(program_get(s, (tenant_id){2}, 1, &p, &f), P_CONFIG_UNUSABLE);
    assert_int_equal(f.retry_after, 5);
    assert_int_equal(program_get(s, (tenant_id){3}, 1, &p, &f), P_OK);
    assert_ptr_equal(p, s->programs[2].program);
    programs_trim(s);
    assert_true(!is_kept(s, 1) && is_kept(s, 2) && is_kept(s, 3) && !is_kept(s, 4));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_oldest_go_when_there_are_too_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_go_when_they_are_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_compile_is_remembered, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
