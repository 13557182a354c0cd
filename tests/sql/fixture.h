/* tests/sql/fixture.h: connections of the adapter to a private server, and a side door that sends what no statement of the
 * catalogue can: kills, global settings, fillings. The server is that of $SQL_TEST_SOCKET, made by tests/sql/run. */
#ifndef TESTS_SQL_FIXTURE_H
#define TESTS_SQL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "sql/db.h"

enum { CAROL, DAVE, PEOPLE }; /* each test has two connections, of two database users */
extern struct db *db[PEOPLE];
extern struct arena *arena;

int group_open(void **state); /* opens db[], makes their users and a table of 2,000 numbers */
int group_close(void **state);
int test_open(void **state);  /* a new arena; every table is empty */
int test_close(void **state); /* no transaction is left open */

struct db *connect_as(int person, int read_timeout_s, int idle_timeout_s);
void side(const char *format, ...) PRINTF(1, 2);           /* one SQL text; must succeed */
int64_t side_number(const char *format, ...) PRINTF(1, 2); /* its first column of the first row, -1 where there is none */
struct str side_row(const char *sql, const char *column);  /* that column of the first row, "" where NULL */
int64_t status(const char *name);                          /* of SHOW GLOBAL STATUS */
void kill_connection_of(int person);
bool dies(void (*body)(void)); /* whether it ends in MUST */

#define assert_ok(call)           assert_string_equal(db_result_name(call), "ok")
#define assert_result(call, name) assert_string_equal(db_result_name(call), name)
#define assert_str(s, z)          assert_true(str_is((s), (z)))

#endif
