#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/clock.h"
#include "base/limits.h"

/* Whole lines in one write(2) of at most this: lines of several workers in one file, or in one pipe, do not mix. */
enum { LINE_BYTES_MAX = 4096, LINE_CONTEXT_BYTES = 1024 };

static struct {
    char path[PATH_MAX]; /* "": standard error */
    char program[32];
    enum log_level least;
    int fd; /* 0: not opened yet, lines go to standard error */
    uint64_t lost;
    char context[LINE_CONTEXT_BYTES]; /* with a space before it; "": none */
    bool holds;
    size_t n_held;
    char held[LINE_BYTES_MAX]; /* whole lines */
} target = {.least = LOG_INFO};

static const char *const LEVELS[] = {[LOG_DEBUG] = "DEBUG", [LOG_INFO] = "INFO", [LOG_WARN] = "WARN", [LOG_ERROR] = "ERROR"};

void log_open(const char *path, enum log_level least, const char *program) {
    if (!path) path = "";
    MUST(strlen(path) < sizeof target.path && strlen(program) < sizeof target.program);
    memcpy(target.path, path, strlen(path) + 1);
    memcpy(target.program, program, strlen(program) + 1);
    target.least = least;
    log_reopen();
}

/* Where the new file cannot be opened the lines go on to where they went. */
void log_reopen(void) {
    int fd = STDERR_FILENO;
    if (target.path[0]) {
        fd = open(target.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
        if (fd < 0) {
            log_line(LOG_ERROR, "log", "what=\"cannot be opened\" errno=%d", errno);
            return;
        }
    }
    if (target.fd > STDERR_FILENO) close(target.fd);
    target.fd = fd;
}

uint64_t log_lost(void) { return target.lost; }

/* Writes c as it may stand in a line; at most 4 bytes. */
static size_t escape(char *to, char c) {
    static const char digits[] = "0123456789abcdef";
    uint8_t byte = (uint8_t)c;
    if (byte >= 0x20 && byte != 0x7f) {
        to[0] = c;
        return 1;
    }
    to[0] = '\\';
    if (c == '\n' || c == '\r' || c == '\t') {
        to[1] = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
        return 2;
    }
    to[1] = 'x';
    to[2] = digits[byte >> 4];
    to[3] = digits[byte & 15];
    return 4;
}

static size_t put_head(char *line, enum log_level level, const char *event) {
    int64_t now = clock_now_ms(), days = floor_div(now, MS_DAY), rest = now - days * MS_DAY;
    struct date d = date_of_days(days);
    int n = snprintf(line, 256, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %s[%ld] %.100s ", (int)d.year, d.month, d.day,
                     (int)(rest / MS_HOUR), (int)(rest / MS_MINUTE % 60), (int)(rest / MS_SECOND % 60), (int)(rest % MS_SECOND),
                     LEVELS[level], target.program[0] ? target.program : "accolade", (long)getpid(), event);
    MUST(n > 0 && n < 256);
    return (size_t)n;
}

static void write_lines(const char *lines, size_t n) {
    ssize_t written;
    do {
        written = write(target.fd ? target.fd : STDERR_FILENO, lines, n);
    } while (written < 0 && errno == EINTR);
    if (written == (ssize_t)n) return;
    for (size_t i = 0; i < n; i++) target.lost += lines[i] == '\n';
}

void log_release(void) {
    if (target.n_held > 0) write_lines(target.held, target.n_held);
    target.n_held = 0;
    target.holds = false;
}

void log_hold(void) { target.holds = true; }

static void put_line(const char *line, size_t n) {
    if (!target.holds) {
        write_lines(line, n);
        return;
    }
    if (target.n_held + n > sizeof target.held) {
        log_release();
        target.holds = true;
    }
    memcpy(target.held + target.n_held, line, n);
    target.n_held += n;
}

void log_line(enum log_level level, const char *event, const char *format, ...) {
    static const char cut[] = "…\n";
    char text[LINE_BYTES_MAX], line[LINE_BYTES_MAX];
    int error = errno; /* kept for the caller: logging is no step of its work */
    if (level < target.least) return;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    MUST(length >= 0);
    if ((size_t)length < sizeof text) length += snprintf(text + length, sizeof text - (size_t)length, "%s", target.context);
    size_t n = put_head(line, level, event), room = sizeof line - sizeof cut - 4;
    size_t m = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1, i = 0;
    while (i < m && n <= room) n += escape(line + n, text[i++]);
    if (i < m || (size_t)length > m) {
        memcpy(line + n, cut, sizeof cut - 1);
        n += sizeof cut - 1;
    } else {
        line[n++] = '\n';
    }
    put_line(line, n);
    errno = error;
}

void log_context(struct str text) {
    int n = snprintf(target.context, sizeof target.context, "%s" STR_FMT, text.n > 0 ? " " : "", STR_ARG(text));
    MUST(n >= 0);
}

const char *log_quote(struct arena *a, struct str value) {
    char *out = arena_alloc(a, value.n * 4 + 3), *to = out;
    *to++ = '"';
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '"' || value.p[i] == '\\') *to++ = '\\';
        to += escape(to, value.p[i]);
    }
    *to++ = '"';
    *to = '\0';
    return out;
}
