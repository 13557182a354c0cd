#include "base/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"

enum { DETAIL_BYTES_MAX = 512 }; /* a detail is a sentence for a person; what is longer is cut */

static const struct problem_row rows[P__MAX] = {
    [P_OK] = {200, "ok", "Done"},
#define PROBLEM(id, status, code, title) [id] = {status, code, title},
#include "base/problems.def"
#undef PROBLEM
};

const struct problem_row *problem_row(enum problem p) {
    MUST((unsigned)p < P__MAX);
    return &rows[p];
}

struct faults faults_new(struct arena *a) {
    return (struct faults){.arena = a};
}

/* A cut inside a UTF-8 sequence would make the answer's JSON invalid: then the cut goes back to the sequence's start. */
PRINTF(2, 0) static struct str detail_text(struct arena *a, const char *format, va_list args) {
    char text[DETAIL_BYTES_MAX];
    int n = vsnprintf(text, sizeof text, format, args);
    MUST(n >= 0);
    struct str detail = {text, (size_t)n};
    if (detail.n >= sizeof text) {
        detail.n = sizeof text - 1;
        size_t last = detail.n - 1;
        while (last > 0 && ((unsigned char)text[last] & 0xc0) == 0x80) last--;
        if (!str_utf8_at(detail, last)) detail.n = last;
    }
    return str_copy(a, detail);
}

enum problem fault_add_v(struct faults *f, enum problem p, struct str pointer, const char *format, va_list args) {
    if (f->list.n >= FAULTS_MAX) {
        f->more++;
        return p;
    }
    struct fault *fault = LIST_PUSH(f->arena, &f->list);
    *fault = (struct fault){.problem = p, .pointer = str_copy(f->arena, pointer), .detail = detail_text(f->arena, format, args)};
    return p;
}

enum problem fault_add(struct faults *f, enum problem p, struct str pointer, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fault_add_v(f, p, pointer, format, args);
    va_end(args);
    return p;
}

enum problem fault_say(struct faults *f, enum problem p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    f->detail = detail_text(f->arena, format, args);
    va_end(args);
    return p;
}

struct str pointer_child(struct arena *a, struct str parent, struct str key) {
    struct buf b = buf_new(a, SIZE_MAX);
    buf_add(&b, parent);
    buf_c(&b, '/');
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] == '~') {
            buf_z(&b, "~0");
        } else if (key.p[i] == '/') {
            buf_z(&b, "~1");
        } else {
            buf_c(&b, key.p[i]);
        }
    }
    return buf_str(&b);
}

struct str pointer_index(struct arena *a, struct str parent, size_t index) {
    return str_printf(a, STR_FMT "/%zu", STR_ARG(parent), index);
}

bool pointer_within(struct str pointer, struct str top) {
    if (pointer.n < top.n || (top.n && memcmp(pointer.p, top.p, top.n) != 0)) return false;
    return pointer.n == top.n || pointer.p[top.n] == '/';
}
