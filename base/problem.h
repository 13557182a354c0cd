/* base/problem.h: every error that a client can see, from one table (base/problems.def).
 *
 * A function that can fail for a reason outside the program returns `enum problem` (P_OK is 0) and, where it has more to
 * say, adds faults: each names a place in the client's document as a JSON pointer (RFC 6901) and says what is wrong there. */
#ifndef BASE_PROBLEM_H
#define BASE_PROBLEM_H

#include <stdarg.h>

#include "base/str.h"

enum problem {
    P_OK = 0,
#define PROBLEM(id, status, code, title) id,
#include "base/problems.def"
#undef PROBLEM
    P__MAX
};

struct problem_row {
    int status;        /* HTTP status */
    const char *code;  /* stable, e.g. "insufficient-points"; `type` is made from it */
    const char *title; /* one sentence, the same for all occurrences */
};
const struct problem_row *problem_row(enum problem p);

struct fault {
    enum problem problem;
    struct str pointer; /* "" is the whole document */
    struct str detail;
};

/* The faults of one request or document. At most FAULTS_MAX are kept; `more` counts the rest. */
struct faults {
    struct arena *arena;
    LIST(struct fault) list;
    size_t more;
    struct str detail;   /* of the answer as a whole, may be empty */
    int64_t retry_after; /* seconds, 0: none */
    struct str extra;    /* further members of the problem document as JSON text without braces, e.g. "\"shortfall\":5" */
};
struct faults faults_new(struct arena *a);
enum problem fault_add(struct faults *f, enum problem p, struct str pointer, const char *format, ...) PRINTF(4, 5); /* returns p */
enum problem fault_add_v(struct faults *f, enum problem p, struct str pointer, const char *format, va_list args) PRINTF(4, 0);
enum problem fault_say(struct faults *f, enum problem p, const char *format, ...) PRINTF(3, 4); /* sets detail; returns p */
struct str pointer_child(struct arena *a, struct str parent, struct str key);                   /* escapes ~ and / */
struct str pointer_index(struct arena *a, struct str parent, size_t index);
bool pointer_within(struct str pointer, struct str top); /* whether it names the place `top` or one inside it */

#endif
