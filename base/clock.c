#include "base/clock.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/must.h"
#include "base/str.h"

#ifdef ACCOLADE_TEST_CLOCK

static const char *offset_file;

void clock_set_file(const char *path) { offset_file = path && *path ? path : NULL; }

/* 0 where the file is missing or holds no number. Who changes it writes another file and renames it. */
static int64_t clock_offset_ms(void) {
    char text[32];
    int64_t offset = 0;
    int fd = offset_file ? open(offset_file, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' ')) n--;
    if (n <= 0 || !str_to_i64((struct str){text, (size_t)n}, -TIME_MS_MAX, TIME_MS_MAX, &offset)) return 0;
    return offset;
}

#else

void clock_set_file(const char *path) { (void)path; }

static int64_t clock_offset_ms(void) { return 0; }

#endif

static int64_t clock_us(clockid_t clock) {
    struct timespec t;
    int failed = clock_gettime(clock, &t);
    MUST(!failed);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_now_us(void) { return clock_us(CLOCK_REALTIME) + clock_offset_ms() * 1000; }

int64_t clock_now_ms(void) { return clock_now_us() / 1000; }

int64_t clock_monotonic_us(void) { return clock_us(CLOCK_MONOTONIC); }
