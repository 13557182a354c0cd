#include "tests/sql/fixture.h"

#include <fcntl.h>
#include <mysql.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct db *db[PEOPLE];
struct arena *arena;

static const char *const NAMES[PEOPLE] = {"carol", "dave"};
static MYSQL *door;

static const char *test_socket(void) {
    const char *path = getenv("SQL_TEST_SOCKET");
    assert_non_null(path); /* tests/sql/run sets it */
    return path;
}

struct db *connect_as(int person, int read_timeout_s, int idle_timeout_s) {
    return db_open(&(struct db_address){.socket = test_socket(),
                                        .name = "accolade",
                                        .user = NAMES[person],
                                        .password = "",
                                        .read_timeout_ms = read_timeout_s * 1000,
                                        .idle_timeout_s = idle_timeout_s});
}

static void send_text(const char *text) {
    if (mysql_query(door, text)) fail_msg("%s: %s", text, mysql_error(door));
}

void side(const char *format, ...) {
    char text[4096];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_in_range(n, 1, sizeof text - 1);
    send_text(text);
    MYSQL_RES *result = mysql_store_result(door);
    if (result) mysql_free_result(result);
}

int64_t side_number(const char *format, ...) {
    char text[4096];
    int64_t v = -1;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    send_text(text);
    MYSQL_RES *result = mysql_store_result(door);
    MYSQL_ROW row = mysql_fetch_row(result);
    if (row && row[0]) assert_true(str_to_i64(str_of(row[0]), INT64_MIN, INT64_MAX, &v));
    mysql_free_result(result);
    return v;
}

struct str side_row(const char *sql, const char *column) {
    send_text(sql);
    MYSQL_RES *result = mysql_store_result(door);
    MYSQL_ROW row = mysql_fetch_row(result);
    struct str found = STR("");
    for (unsigned i = 0; row && i < mysql_num_fields(result); i++)
        if (row[i] && strcmp(mysql_fetch_field_direct(result, i)->name, column) == 0) found = str_copy(arena, str_of(row[i]));
    mysql_free_result(result);
    return found;
}

int64_t status(const char *name) {
    int64_t v;
    struct str sql = str_printf(arena, "SHOW GLOBAL STATUS LIKE '%s'", name);
    assert_true(str_to_i64(side_row(str_z(arena, sql), "Value"), 0, INT64_MAX, &v));
    return v;
}

void kill_connection_of(int person) {
    int64_t id = side_number("SELECT id FROM information_schema.processlist WHERE user = '%s'", NAMES[person]);
    assert_true(id > 0);
    side("KILL %lld", (long long)id);
    while (side_number("SELECT COUNT(*) FROM information_schema.processlist WHERE user = '%s'", NAMES[person]) > 0) usleep(2000);
}

bool dies(void (*body)(void)) {
    int how;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        body();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    return WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT;
}

/* For fillings: numbers 0 … 1999. */
static void make_numbers(void) {
    side("CREATE TABLE IF NOT EXISTS numbers (x INT PRIMARY KEY)");
    side("DELETE FROM numbers");
    side("INSERT INTO numbers VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)");
    side("INSERT INTO numbers SELECT a.x + 10 * b.x + 100 * c.x FROM numbers a, numbers b, numbers c WHERE b.x > 0 OR c.x > 0");
    side("INSERT INTO numbers SELECT x + 1000 FROM numbers");
}

int group_open(void **state) {
    (void)state;
    door = mysql_init(NULL);
    if (!mysql_real_connect(door, NULL, "root", "", "accolade", 0, test_socket(), 0)) fail_msg("%s", mysql_error(door));
    arena = arena_new();
    for (int i = 0; i < PEOPLE; i++) {
        side("CREATE USER IF NOT EXISTS '%s'@'localhost'", NAMES[i]);
        side("GRANT ALL ON accolade.* TO '%s'@'localhost'", NAMES[i]);
        db[i] = connect_as(i, 0, 0);
    }
    make_numbers();
    return 0;
}

int group_close(void **state) {
    (void)state;
    for (int i = 0; i < PEOPLE; i++) db_close(&db[i]);
    arena_free(&arena);
    mysql_close(door);
    mysql_library_end();
    return 0;
}

int test_open(void **state) {
    (void)state;
    arena_reset(arena);
    send_text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'accolade' AND table_name <> 'numbers'");
    MYSQL_RES *tables = mysql_store_result(door);
    for (MYSQL_ROW row; (row = mysql_fetch_row(tables));) side("DELETE FROM %s", row[0]);
    mysql_free_result(tables);
    return 0;
}

int test_close(void **state) {
    (void)state;
    for (int i = 0; i < PEOPLE; i++) assert_false(db_in_transaction(db[i]));
    return 0;
}
