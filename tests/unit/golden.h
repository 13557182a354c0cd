/* tests/unit/golden.h: the golden files: an array of cases in JSON, expected bytes in hexadecimal, numbers beyond 2^53 as text.
 * A file or member that is missing or of another type fails the test. Run from the root of the tree. */
#ifndef TESTS_UNIT_GOLDEN_H
#define TESTS_UNIT_GOLDEN_H

#include "base/json.h"

const struct json *golden_read(struct arena *a, const char *path); /* the array; never empty */
struct str golden_text(const struct json *row, const char *name);
struct str golden_bytes(struct arena *a, const struct json *row, const char *name);
int64_t golden_int(const struct json *row, const char *name);  /* a number */
uint64_t golden_u64(const struct json *row, const char *name); /* a text of digits */
int64_t golden_i64(const struct json *row, const char *name);  /* a text of digits, perhaps after '-' */
bool golden_bool(const struct json *row, const char *name);
void golden_equal(struct arena *a, const struct json *row, const char *name, const void *got, size_t n); /* compares bytes */

#endif
