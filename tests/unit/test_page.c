/* The page that workers share, as a file, and what a reader makes of it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "service/live.h"
#include "shm/backlog.h"
#include "shm/page.h"

static char folder[] = "accolade-test-XXXXXX";

static int enter(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    return chdir(base && *base ? base : P_tmpdir) || !mkdtemp(folder) || chdir(folder);
}

static int leave(void **state) {
    (void)state;
    return chdir("..") || rmdir(folder);
}

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) {
    unlink("page");
    unlink("page.new");
    unlink("socket");
    return arena_free((struct arena **)state), 0;
}

static bool exists(const char *path) { return access(path, F_OK) == 0; }

static struct page *make(struct page_file *file) {
    *file = (struct page_file){.path = "page"};
    struct page *page = page_new(file, 1795255200000, clock_monotonic_us());
    assert_non_null(page);
    static const char *const names[] = {"events", "bulk", "api"};
    for (size_t i = 0; i < PAGE_POOLS; i++) {
        snprintf(page->named[i].name, sizeof page->named[i].name, "%s", names[i]);
        page->named[i].workers = (int64_t)i + 1;
    }
    return page;
}

/* ---- the file ---- */

static void test_nobody_finds_it_before_it_is_published(void **state) {
    (void)state;
    struct page_file file;
    struct page *page = make(&file), *seen;
    struct stat st;
    uint32_t layout;
    assert_false(exists("page"));
    assert_int_equal(page_map("page", &seen, &layout), PAGE_UNREADABLE);
    assert_int_equal(errno, ENOENT);
    assert_true(page_publish(&file));
    assert_false(exists("page.new"));
    assert_int_equal(stat("page", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_size, sizeof(struct page));
    assert_int_equal(page_map("page", &seen, &layout), PAGE_FINE);
    assert_int_equal(seen->master, getpid());
    page_count_set(&page->pools[2], 1, 0);
    assert_int_equal(atomic_load(&seen->pools[2].requests), 1); /* the same memory */
    page_free(&seen);
    page_unpublish(&file);
    assert_false(exists("page"));
    page_free(&page);
}

static void test_a_page_that_never_was_published_leaves_nothing(void **state) {
    (void)state;
    struct page_file file;
    struct page *page = make(&file);
    assert_true(exists("page.new"));
    page_unpublish(&file);
    assert_false(exists("page.new"));
    page_free(&page);
}

/* Two masters follow each other: the new one's page is in place when the old one ends. */
static void test_the_page_of_a_successor_stays(void **state) {
    (void)state;
    struct page_file first, second;
    struct page *old = make(&first), *new;
    assert_true(page_publish(&first));
    new = make(&second);
    assert_true(page_publish(&second));
    page_unpublish(&first);
    assert_true(exists("page"));
    page_unpublish(&second);
    assert_false(exists("page"));
    page_free(&old);
    page_free(&new);
}

static void test_without_a_path_there_is_no_file(void **state) {
    (void)state;
    struct page_file file = {.path = ""};
    struct page *page = page_new(&file, 1, 1);
    assert_non_null(page);
    assert_true(page_publish(&file));
    assert_int_equal(page->layout, PAGE_LAYOUT);
    page_unpublish(&file);
    page_free(&page);
}

static void test_a_folder_that_is_not_there(void **state) {
    (void)state;
    struct page_file file = {.path = "none/page"};
    assert_null(page_new(&file, 1, 1));
    assert_int_equal(errno, ENOENT);
}

/* ---- refusals ---- */

static void write_file(const char *path, const void *bytes, size_t n) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
}

static void refused(struct arena *a, const char *expected) {
    struct settings s = {.page_file = "page", .events_socket = "", .bulk_socket = "", .api_socket = ""};
    struct live *live;
    struct str error;
    assert_false(live_read(&s, a, &live, &error));
    assert_string_equal(str_z(a, error), expected);
}

static void test_other_files_are_refused_politely(void **state) {
    struct arena *a = *state;
    struct page *page = NEW(a, struct page);
    refused(a, "page: No such file or directory (page_file, which accolade-fcgi makes while it runs)");
    write_file("page", "", 0);
    refused(a, "page: is no page of accolade-fcgi");
    write_file("page", page, sizeof *page);
    refused(a, "page: is no page of accolade-fcgi");
    memcpy(page->magic, PAGE_MAGIC, sizeof page->magic);
    page->layout = PAGE_LAYOUT + 7;
    page->size = sizeof *page;
    write_file("page", page, sizeof *page);
    char expected[200];
    snprintf(expected, sizeof expected,
             "page: the pool is of another build (layout %d, this command reads %d): use the command that came with it", PAGE_LAYOUT + 7,
             PAGE_LAYOUT);
    refused(a, expected);
    page->layout = PAGE_LAYOUT;
    write_file("page", page, sizeof *page - 1); /* shorter than it says: reading it would be a signal */
    snprintf(expected, sizeof expected,
             "page: the pool is of another build (layout %d, this command reads %d): use the command that came with it", PAGE_LAYOUT,
             PAGE_LAYOUT);
    refused(a, expected);
    struct settings none = {.page_file = ""};
    struct live *live;
    struct str error;
    assert_false(live_read(&none, a, &live, &error));
    assert_true(str_is(error, "the setting page_file is empty: the pool keeps its page to itself"));
}

static void test_a_killed_masters_page_is_not_taken_for_a_running_one(void **state) {
    struct arena *a = *state;
    struct page_file file;
    struct page *page = make(&file);
    assert_true(page_publish(&file));
    atomic_store(&page->beat_us, clock_monotonic_us() - 12500000);
    char expected[200];
    snprintf(expected, sizeof expected, "page: no sign of life from accolade-fcgi (process %d) for 12 s", getpid());
    refused(a, expected);
    page_unpublish(&file);
    page_free(&page);
}

/* ---- counting ---- */

static void test_powers_of_two(void **state) {
    (void)state;
    struct page_file file = {.path = ""};
    struct page *page = page_new(&file, 1, 1);
    struct pool_counts *c = &page->pools[0];
    static const struct {
        int64_t us;
        size_t bucket;
    } durations[] = {
        {-5, 0}, {0, 0}, {1, 1}, {2, 2}, {3, 2}, {4, 3}, {1023, 10}, {1024, 11}, {33554431, 25}, {33554432, 26}, {INT64_MAX / 2, 26}};
    for (size_t i = 0; i < COUNT(durations); i++) {
        uint64_t before = atomic_load(&c->durations[durations[i].bucket]);
        page_count_request(c, 200, durations[i].us);
        assert_int_equal(atomic_load(&c->durations[durations[i].bucket]), before + 1);
    }
    static const size_t sizes[] = {1, 2, 3, 4, 5, 8, 9, 16}, buckets[] = {0, 1, 2, 2, 3, 3, 4, 4};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint64_t before = atomic_load(&c->set_sizes[buckets[i]]);
        page_count_set(c, sizes[i], 2 * sizes[i]);
        assert_int_equal(atomic_load(&c->set_sizes[buckets[i]]), before + 1);
    }
    assert_int_equal(atomic_load(&c->sets), 8);
    assert_int_equal(atomic_load(&c->requests), 48);
    assert_int_equal(atomic_load(&c->events), 96);
    static const int statuses[] = {200, 304, 400, 429, 499, 500, 503};
    for (size_t i = 0; i < COUNT(statuses); i++) page_count_request(c, statuses[i], 1);
    assert_int_equal(atomic_load(&c->refused), 3);
    assert_int_equal(atomic_load(&c->failed), 2);
    page_free(&page);
}

static void test_requests_by_route(void **state) {
    (void)state;
    struct page_file file = {.path = ""};
    struct page *page = page_new(&file, 1, 1);
    struct counts *c = &page->counts;
    static const struct {
        int64_t us;
        size_t bucket;
    } durations[] = {{-3, 0}, {0, 0}, {500, 0}, {501, 1}, {1000, 1}, {200000, 8}, {200001, 9}, {5000000, 12}, {5000001, 13}};
    for (size_t i = 0; i < COUNT(durations); i++) {
        uint64_t before = atomic_load(&c->routes[7].durations[durations[i].bucket]);
        count_request(c, 7, 200, durations[i].us);
        assert_int_equal(atomic_load(&c->routes[7].durations[durations[i].bucket]), before + 1);
    }
    assert_int_equal(atomic_load(&c->routes[7].duration_us), 500 + 501 + 1000 + 200000 + 200001 + 5000000 + 5000001);
    static const int statuses[] = {200, 503, 429, 299};
    static const uint64_t expected[] = {COUNT(durations) + 1, 1, 1, 0};
    for (size_t i = 0; i < COUNT(statuses); i++) count_request(c, 7, statuses[i], 1);
    for (size_t i = 0; i < COUNT(statuses); i++) {
        size_t k = 1;
        while (k < COUNT_STATUSES && count_statuses[k] != statuses[i]) k++;
        if (k < COUNT_STATUSES) assert_int_equal(atomic_load(&c->routes[7].statuses[k]), expected[i]);
    }
    assert_int_equal(atomic_load(&c->routes[7].statuses[0]), 1); /* one that nobody knows is counted all the same */
    count_request(c, COUNT_ROUTES, 200, 1);
    assert_int_equal(atomic_load(&c->routes[0].durations[0]), 1);
    page_free(&page);
}

static void test_one_worker_in_a_second_asks_the_servers(void **state) {
    (void)state;
    struct page_file file = {.path = ""};
    struct page *page = page_new(&file, 1, 1);
    assert_true(page_probe_due(page, 1000000, 5000000));
    assert_false(page_probe_due(page, 1000000, 5000000));
    assert_false(page_probe_due(page, 1000000, 5999999));
    assert_true(page_probe_due(page, 1000000, 6000000));
    page_free(&page);
}

static void test_MECHANICS4_the_breaker_is_looked_after_by_one_worker_at_a_time(void **state) {
    (void)state;
    struct page_file file;
    struct page *page = make(&file);
    assert_false(page_breaker_is_open(page));
    assert_false(page_breaker_due(page, 500000, 9000000));
    assert_true(page_breaker_open(page, 5000000));
    assert_false(page_breaker_open(page, 5100000)); /* the second one that met the hang says nothing more */
    assert_true(page_breaker_is_open(page));
    assert_false(page_breaker_due(page, 500000, 5499999));
    assert_true(page_breaker_due(page, 500000, 5500000));
    assert_false(page_breaker_due(page, 500000, 5500001));
    assert_true(page_breaker_close(page));
    assert_false(page_breaker_close(page));
    assert_false(page_breaker_is_open(page));
    assert_int_equal(atomic_load(&page->breaker.trips), 1);
    page_unpublish(&file);
    page_free(&page);
}

static void test_MECHANICS4_strikes_count_for_ten_minutes_and_are_forgiven(void **state) {
    (void)state;
    struct page_file file;
    struct page *page = make(&file);
    int64_t left_us = 0, now_us = 7000000;
    assert_int_equal(page_strikes(page, 11, now_us, &left_us), 0);
    assert_false(page_is_careful(page, now_us));
    assert_int_equal(page_strike(page, 11, true, now_us), 1);
    assert_int_equal(page_strike(page, 12, true, now_us), 1);
    assert_int_equal(page_strikes(page, 11, now_us + 1000000, &left_us), 1);
    assert_int_equal(left_us, QUARANTINE_US - 1000000);
    page_forgive(page, 12);
    assert_int_equal(page_strikes(page, 12, now_us, &left_us), 0);
    assert_int_equal(page_strike(page, 11, true, now_us + 1000000), 2);
    assert_int_equal(page_strikes(page, 11, now_us + 1000000 + QUARANTINE_US - 1, &left_us), 2);
    assert_int_equal(page_strikes(page, 11, now_us + 1000000 + QUARANTINE_US, &left_us), 0);
    assert_int_equal(page_strike(page, 11, true, now_us + 1000000 + QUARANTINE_US), 1); /* what is over does not count */
    assert_int_equal(page_strike(page, 12, true, now_us), 1);                           /* what was forgiven neither */
    for (uint64_t i = 0; i < SUSPECTS_MAX; i++) assert_int_equal(page_strike(page, 1000 + i, true, now_us + 2000000), 1);
    assert_int_equal(atomic_load(&page->suspects_used), SUSPECTS_MAX);
    assert_int_equal(page_strikes(page, 12, now_us, &left_us), 0); /* the oldest made room */
    assert_int_equal(page_strikes(page, 1000 + SUSPECTS_MAX - 1, now_us, &left_us), 1);
    page_unpublish(&file);
    page_free(&page);
}

static void test_MECHANICS4_one_at_a_time_until_all_that_fell_have_come_again(void **state) {
    (void)state;
    struct page_file file;
    struct page *page = make(&file);
    int64_t now_us = 7000000;
    assert_false(page_is_careful(page, now_us));
    for (uint64_t i = 11; i <= 13; i++) assert_int_equal(page_strike(page, i, false, now_us), 1);
    assert_true(page_is_careful(page, now_us + CAREFUL_US_MOST - 1)); /* somebody may not come at all */
    assert_false(page_is_careful(page, now_us + CAREFUL_US_MOST));
    page_forgive(page, 11);
    page_forgive(page, 12);
    assert_true(page_is_careful(page, now_us + CAREFUL_US_LEAST));
    page_forgive(page, 13);
    assert_true(page_is_careful(page, now_us + CAREFUL_US_LEAST - 1));
    assert_false(page_is_careful(page, now_us + CAREFUL_US_LEAST));
    assert_int_equal(page_strike(page, 11, false, now_us), 1);
    assert_true(page_is_careful(page, now_us + CAREFUL_US_LEAST));
    assert_int_equal(page_strike(page, 11, true, now_us), 2);
    assert_false(page_is_careful(page, now_us + CAREFUL_US_LEAST)); /* it is known by now */
    page_unpublish(&file);
    page_free(&page);
}

static void test_MECHANICS4_only_what_was_on_trial_gets_a_second_strike(void **state) {
    (void)state;
    struct page_file file;
    struct page *page = make(&file);
    int64_t left_us = 0, now_us = 7000000;
    for (int i = 0; i < 5; i++) assert_int_equal(page_strike(page, 11, false, now_us + i), 1); /* of five workers that fell at once */
    assert_int_equal(page_strikes(page, 11, now_us, &left_us), 1);
    assert_int_equal(left_us, QUARANTINE_US + 4);
    assert_int_equal(page_strike(page, 12, true, now_us), 1); /* forgiven by another worker while it was on trial here */
    assert_int_equal(page_strike(page, 11, true, now_us), 2);
    assert_int_equal(page_strike(page, 11, false, now_us), 2);
    page_unpublish(&file);
    page_free(&page);
}

static void test_MECHANICS4_what_a_worker_holds_is_what_it_said_last(void **state) {
    (void)state;
    struct page_file file;
    struct page *page = make(&file);
    struct worker_slot *slot = page_slot_take(page, 0, 1);
    const uint64_t hashes[] = {5, 6, 7};
    page_hold(slot, hashes, 3, false);
    page_hold(slot, hashes + 1, 2, false);
    assert_int_equal(atomic_load(&slot->n_in_hand), 2);
    assert_int_equal(atomic_load(&slot->in_hand[0]), 6);
    assert_int_equal(atomic_load(&slot->in_hand[1]), 7);
    assert_false(atomic_load(&slot->on_trial));
    page_hold(slot, hashes, 1, true);
    assert_true(atomic_load(&slot->on_trial));
    page_hold(slot, hashes, 1, false);
    assert_false(atomic_load(&slot->on_trial));
    page_hold(slot, hashes, 1, true);
    page_slot_give(slot);
    assert_ptr_equal(page_slot_take(page, 0, 2), slot);
    assert_int_equal(atomic_load(&slot->n_in_hand), 0); /* its successor has nothing to do with it */
    assert_false(atomic_load(&slot->on_trial));
    page_unpublish(&file);
    page_free(&page);
}

/* ---- a sample ---- */

static const struct json *at(const struct json *v, const char *key) {
    const struct json *found = json_get(v, key);
    assert_non_null(found);
    return found;
}

static void test_a_sample(void **state) {
    struct arena *a = *state;
    struct page_file file;
    struct page *page = make(&file);
    struct settings s = {.page_file = "page", .events_socket = "socket", .bulk_socket = "no-such-socket", .api_socket = ""};
    struct live *before, *now;
    struct str error;
    struct json v;
    struct faults f = faults_new(a);
    assert_true(page_publish(&file));
    struct worker_slot *slot = page_slot_take(page, 0, clock_monotonic_us()), *other = page_slot_take(page, 0, clock_monotonic_us());
    atomic_store(&slot->ready, true);
    atomic_store(&slot->held, 3);
    page_beat(slot, true, clock_monotonic_us());
    assert_non_null(other);
    page_probed(&page->database, PROBE_AWAY, clock_monotonic_us());
    page_probed(&page->cache, PROBE_NONE, clock_monotonic_us());
    page_count_set(&page->pools[0], 1, 1);
    page_count_request(&page->pools[0], 503, 40);
    assert_true(live_read(&s, a, &before, &error));
    assert_int_equal(json_parse(a, live_render(a, NULL, before), &v, &f), P_OK);
    assert_int_equal(at(&v, "interval_s")->type, JSON_NULL);
    assert_true(str_is(at(at(&v, "database"), "state")->string, "away"));
    assert_true(str_is(at(at(&v, "memcached"), "state")->string, "none"));
    assert_int_equal(at(&v, "master")->number, getpid());
    const struct json *pool = &at(&v, "pools")->items[0];
    assert_true(str_eq(json_to_text(a, at(pool, "workers")), STR("{\"wanted\":1,\"ready\":1,\"busy\":1,\"starts\":0,\"deaths\":0}")));
    assert_int_equal(at(pool, "held")->number, 3);
    assert_int_equal(at(pool, "now")->type, JSON_NULL);
    assert_true(
        str_eq(json_to_text(a, at(pool, "total")),
               STR("{\"requests\":1,\"events\":1,\"sets\":1,\"refused\":0,\"failed\":1,"
                   "\"duration_ms\":{\"mean\":0.04,\"p50\":0.064,\"p95\":0.064,\"p99\":0.064},"
                   "\"set_sizes\":[{\"up_to\":1,\"sets\":1},{\"up_to\":2,\"sets\":0},{\"up_to\":4,\"sets\":0},{\"up_to\":8,\"sets\":0},"
                   "{\"up_to\":16,\"sets\":0}]}")));
    assert_int_equal(at(&at(&v, "pools")->items[1], "waiting")->type, JSON_NULL); /* nobody listens there */

    page_count_set(&page->pools[0], 100, 120); /* 98 of 1.5 ms and 2 of 100 ms */
    for (int i = 0; i < 98; i++) page_count_request(&page->pools[0], 200, 1500);
    for (int i = 0; i < 2; i++) page_count_request(&page->pools[0], 404, 100000);
    usleep(20000);
    assert_true(live_read(&s, a, &now, &error));
    assert_int_equal(json_parse(a, live_render(a, before, now), &v, &f), P_OK);
    double interval = at(&v, "interval_s")->number;
    assert_true(interval >= 0.02 && interval < 10);
    const struct json *figures = at(&at(&v, "pools")->items[0], "now");
    double rate = at(figures, "requests_per_s")->number, events = at(figures, "events_per_s")->number;
    assert_true(rate > 98 / (interval + 0.001) && rate < 102 / (interval - 0.001));
    assert_true(events > 118 / (interval + 0.001) && events < 122 / (interval - 0.001));
    const struct json *durations = at(figures, "duration_ms");
    assert_true(at(durations, "mean")->number == 3.47); /* exact: (98 × 1.5 + 200) / 100 */
    assert_true(at(durations, "p50")->number == 1.546); /* 50 of 98 within 1.024–2.048 */
    assert_true(at(durations, "p95")->number == 2.016);
    assert_true(at(durations, "p99")->number == 98.304); /* the first of 2 within 65.536–131.072 */
    page_unpublish(&file);
    page_free(&page);
}

/* After a restart there is nothing to compare with: no negative rates. */
static void test_another_start_is_not_compared(void **state) {
    struct arena *a = *state;
    struct page_file file;
    struct page *page = make(&file);
    struct settings s = {.page_file = "page", .events_socket = "", .bulk_socket = "", .api_socket = ""};
    struct live *before, *now;
    struct str error;
    struct json v;
    struct faults f = faults_new(a);
    assert_true(page_publish(&file));
    page_count_set(&page->pools[0], 5, 5);
    assert_true(live_read(&s, a, &before, &error));
    page_free(&page);
    usleep(2000);
    page = make(&file);
    assert_true(page_publish(&file));
    assert_true(live_read(&s, a, &now, &error));
    assert_int_equal(json_parse(a, live_render(a, before, now), &v, &f), P_OK);
    assert_int_equal(at(&v, "interval_s")->type, JSON_NULL);
    assert_int_equal(at(&at(&v, "pools")->items[0], "now")->type, JSON_NULL);
    page_unpublish(&file);
    page_free(&page);
}

/* The kernel's own word, where it gives it. */
static void test_what_waits_in_a_backlog(void **state) {
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), callers[3];
    const char *paths[] = {"socket", "no-such-socket"};
    int64_t waiting[2];
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 10), 0);
    backlogs_waiting(paths, 2, waiting);
    if (waiting[0] < 0) skip();
    assert_int_equal(waiting[0], 0);
    assert_int_equal(waiting[1], -1);
    for (size_t i = 0; i < COUNT(callers); i++) {
        callers[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(callers[i], (struct sockaddr *)&address, sizeof address), 0);
    }
    backlogs_waiting(paths, 2, waiting);
    assert_int_equal(waiting[0], 3);
    close(accept(listener, NULL, NULL));
    backlogs_waiting(paths, 2, waiting);
    assert_int_equal(waiting[0], 2);
    for (size_t i = 0; i < COUNT(callers); i++) close(callers[i]);
    close(listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nobody_finds_it_before_it_is_published, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_page_that_never_was_published_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_page_of_a_successor_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_a_path_there_is_no_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_folder_that_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_files_are_refused_politely, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_killed_masters_page_is_not_taken_for_a_running_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_powers_of_two, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_requests_by_route, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_worker_in_a_second_asks_the_servers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_MECHANICS4_the_breaker_is_looked_after_by_one_worker_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_MECHANICS4_strikes_count_for_ten_minutes_and_are_forgiven, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_MECHANICS4_one_at_a_time_until_all_that_fell_have_come_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_MECHANICS4_only_what_was_on_trial_gets_a_second_strike, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_MECHANICS4_what_a_worker_holds_is_what_it_said_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_sample, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_start_is_not_compared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_waits_in_a_backlog, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
