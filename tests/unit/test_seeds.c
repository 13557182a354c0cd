/* What the fuzzer starts from: every shape that a client's body can have has a seed that is read, and every kind of definition one that
 * is refused too, so that a new kind or route cannot be left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/compiling.h"

#include "handlers/routes.h"

static void assert_seed(struct arena *a, const struct shape *shape, const char *end, bool good) {
    const char *path = str_z(a, str_printf(a, "tests/fuzz/corpus/shape/%s%s", shape->name, end));
    const struct json *v = json_of_file(a, path);
    struct faults faults = faults_new(a);
    enum problem p = shape_read(shape, v, STR(""), a, arena_alloc(a, shape->size), &faults);
    if ((p == P_OK) != good) {
        for (size_t i = 0; i < faults.list.n; i++)
            print_error(STR_FMT ": " STR_FMT "\n", STR_ARG(faults.list.items[i].pointer), STR_ARG(faults.list.items[i].detail));
        fail_msg("%s: %s", path, good ? "refused" : "read without a fault");
    }
}

static void every_kind_has_seeds(void **state) {
    (void)state;
    struct arena *a = arena_new();
    for (const struct kind_row *kind = kind_rows; kind->name != NULL; kind++) {
        assert_seed(a, kind->shape, ".json", true);
        assert_seed(a, kind->shape, "-least.json", true);
        assert_seed(a, kind->shape, ".bad.json", false);
    }
    arena_free(&a);
}

static void every_body_has_a_seed(void **state) {
    (void)state;
    struct arena *a = arena_new();
    size_t n = 0;
    for (size_t i = 0; i < route_table.n; i++) {
        if (route_table.rows[i].body == NULL) continue;
        assert_seed(a, route_table.rows[i].body, ".json", true);
        n++;
    }
    assert_true(n >= 10);
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_seeds),
        cmocka_unit_test(every_body_has_a_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
