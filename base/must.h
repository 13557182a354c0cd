/* base/must.h: attributes and the assertion that is never compiled out.
 *
 * MUST is for what only a programmer can cause; it logs file, line and condition and aborts the process, which its master
 * replaces. Whatever a client, the database or the network can cause is an `enum problem` (base/problem.h) instead.
 * No side effects inside MUST. */
#ifndef BASE_MUST_H
#define BASE_MUST_H

#define MUST_CHECK   __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define COUNT(array) (sizeof(array) / sizeof *(array))

_Noreturn void must_fail(const char *file, int line, const char *what);

#define MUST(c)                                                                                                                            \
    do {                                                                                                                                   \
        if (!(c)) must_fail(__FILE__, __LINE__, #c);                                                                                       \
    } while (0)
#define NEVER(what) must_fail(__FILE__, __LINE__, what)

#endif
