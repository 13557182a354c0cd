#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No arena and no log here: both may be what is broken. One write, so that lines of several workers do not mix. */
_Noreturn void must_fail(const char *file, int line, const char *what) {
    char text[512];
    int n = snprintf(text, sizeof text, "accolade: pid %ld: %s:%d: assertion failed: %s\n", (long)getpid(), file, line, what);
    if (n > 0) {
        size_t length = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
        text[length - 1] = '\n';
        if (write(STDERR_FILENO, text, length) < 0) abort();
    }
    abort();
}
