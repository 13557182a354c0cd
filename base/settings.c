#include "base/settings.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 64 * 1024, TEXT_BYTES_MAX = 1024, REFUSALS_MAX = 20 };

struct row {
    const char *name;
    bool number;
    int64_t lo, hi;
    unsigned flags;
    const char *unit, *doc;
    size_t offset; /* in struct settings, of an int64_t or a const char * */
};

static const struct row rows[] = {
#define SETTING_TEXT(name, dflt, flags, doc)                 {#name, false, 0, 0, flags, NULL, doc, offsetof(struct settings, name)},
#define SETTING_NUMBER(name, lo, hi, dflt, flags, unit, doc) {#name, true, lo, hi, flags, unit, doc, offsetof(struct settings, name)},
#include "base/settings.def"
#undef SETTING_TEXT
#undef SETTING_NUMBER
};

static const struct settings defaults = {
#define SETTING_TEXT(name, dflt, flags, doc)                 .name = dflt,
#define SETTING_NUMBER(name, lo, hi, dflt, flags, unit, doc) .name = dflt,
#include "base/settings.def"
#undef SETTING_TEXT
#undef SETTING_NUMBER
};

#define SETTING_TEXT(name, dflt, flags, doc)                                                                                               \
    static_assert(((flags) & ~(SETTING_SECRET | SETTING_RELOAD | SETTING_TEST)) == 0, "flags of " #name);
#define SETTING_NUMBER(name, lo, hi, dflt, flags, unit, doc)                                                                               \
    static_assert((lo) <= (dflt) && (dflt) <= (hi) && ((flags) & ~(SETTING_SECRET | SETTING_RELOAD)) == 0,                                 \
                  "bounds, default and flags of " #name);
#include "base/settings.def"
#undef SETTING_TEXT
#undef SETTING_NUMBER

static bool is_known(const struct row *r) {
#if defined ACCOLADE_TEST_CLOCK && defined ACCOLADE_TEST_TRAPS
    return r != NULL;
#else
    return (r->flags & SETTING_TEST) == 0;
#endif
}

static const struct row *row_of(struct str name) {
    for (size_t i = 0; i < COUNT(rows); i++)
        if (str_is(name, rows[i].name) && is_known(&rows[i])) return &rows[i];
    return NULL;
}

static const char *const *text_of(const struct row *r, const struct settings *s) {
    return (const char *const *)((const char *)s + r->offset);
}

static int64_t number_of(const struct row *r, const struct settings *s) { return *(const int64_t *)((const char *)s + r->offset); }

static struct str trim(struct str s) {
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) s = (struct str){s.p + 1, s.n - 1};
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r')) s.n--;
    return s;
}

/* What is wrong, a line for each, so that a file is mended in one go; of more than REFUSALS_MAX only how many. */
struct refusals {
    struct buf text;
    size_t n;
};

static void refuse(struct refusals *bad, struct str where, struct str what) {
    if (bad->n++ >= REFUSALS_MAX) return;
    buf_f(&bad->text, "%s" STR_FMT ": " STR_FMT, bad->n > 1 ? "\n" : "", STR_ARG(where), STR_ARG(what));
}

/* Takes one value. What is wrong with it is said without the value: it may be a secret in the wrong line. */
static void take(struct arena *a, const struct row *r, struct str value, struct str where, struct settings *out, struct refusals *bad) {
    void *field = (char *)out + r->offset;
    if (r->number) {
        int64_t v;
        if (str_to_i64(value, r->lo, r->hi, &v)) {
            *(int64_t *)field = v;
        } else {
            refuse(
                bad, where,
                str_printf(a, "'%s' must be a whole number from %lld to %lld (%s)", r->name, (long long)r->lo, (long long)r->hi, r->unit));
        }
    } else if (value.n > TEXT_BYTES_MAX || str_has_control(value)) {
        refuse(bad, where, str_printf(a, "'%s' must be text of at most %d bytes without control characters", r->name, TEXT_BYTES_MAX));
    } else {
        *(const char **)field = str_z(a, value);
    }
}

static void take_line(struct arena *a, struct str line, struct str where, struct settings *out, bool *seen, struct refusals *bad) {
    line = trim(line);
    if (!line.n || line.p[0] == '#') return;
    struct str rest = line, name = trim(str_cut(&rest, '='));
    if (!rest.p) {
        refuse(bad, where, STR("expected 'name = value'"));
        return;
    }
    const struct row *r = row_of(name);
    if (!r) {
        bool showable = name.n <= 64 && !str_has_control(name) && str_is_utf8(name);
        refuse(bad, where, showable ? str_printf(a, "unknown setting '" STR_FMT "'", STR_ARG(name)) : STR("unknown setting"));
        return;
    }
    if (seen[r - rows]) refuse(bad, where, str_printf(a, "duplicate setting '%s'", r->name));
    seen[r - rows] = true;
    take(a, r, trim(rest), where, out, bad);
}

static bool read_all(struct arena *a, const char *path, struct str *text, struct refusals *bad) {
    char *bytes = arena_alloc(a, FILE_BYTES_MAX + 1);
    size_t n = 0;
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        do {
            got = read(fd, bytes + n, FILE_BYTES_MAX + 1 - n);
            if (got > 0) n += (size_t)got;
        } while ((got > 0 && n <= FILE_BYTES_MAX) || (got < 0 && errno == EINTR));
    }
    if (fd < 0 || got < 0) {
        refuse(bad, str_of(path), str_of(strerror(errno)));
    } else if (n > FILE_BYTES_MAX) {
        refuse(bad, str_of(path), str_printf(a, "larger than %d bytes", FILE_BYTES_MAX));
    }
    if (fd >= 0) close(fd);
    *text = (struct str){bytes, n};
    return fd >= 0 && got >= 0 && n <= FILE_BYTES_MAX;
}

static void load_file(struct arena *a, const char *path, struct settings *out, struct refusals *bad) {
    bool seen[COUNT(rows)] = {false};
    struct str rest;
    if (!read_all(a, path, &rest, bad)) return;
    for (int line = 1; rest.p; line++) take_line(a, str_cut(&rest, '\n'), str_printf(a, "%s:%d", path, line), out, seen, bad);
}

static void load_environment(struct arena *a, struct settings *out, struct refusals *bad) {
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *name = str_z(a, str_printf(a, "ACCOLADE_%s", rows[i].name));
        for (char *c = name; *c; c++) *c = (char)toupper((unsigned char)*c);
        const char *value = getenv(name);
        if (value && is_known(&rows[i])) take(a, &rows[i], trim(str_of(value)), str_printf(a, "environment %s", name), out, bad);
    }
}

bool settings_load(struct arena *a, const char *path, struct settings *out, struct str *error) {
    struct settings s = defaults;
    struct refusals bad = {.text = buf_new(a, SIZE_MAX)};
    if (!path) path = getenv("ACCOLADE_CONF");
    if (path && *path) load_file(a, path, &s, &bad);
    load_environment(a, &s, &bad);
    if (bad.n == 0) {
        *out = s;
        return true;
    }
    if (bad.n > REFUSALS_MAX) buf_f(&bad.text, "\n%zu more like these", bad.n - REFUSALS_MAX);
    *error = buf_str(&bad.text);
    return false;
}

struct str settings_take_over(struct arena *a, struct settings *s, const struct settings *fresh) {
    struct buf ignored = buf_new(a, SIZE_MAX);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *r = &rows[i];
        bool same = r->number ? number_of(r, s) == number_of(r, fresh) : strcmp(*text_of(r, s), *text_of(r, fresh)) == 0;
        if (same) continue;
        if (r->flags & SETTING_RELOAD) {
            memcpy((char *)s + r->offset, (const char *)fresh + r->offset, r->number ? sizeof(int64_t) : sizeof(char *));
        } else {
            buf_f(&ignored, "%s%s", ignored.n ? " " : "", r->name);
        }
    }
    return buf_str(&ignored);
}

void settings_print(struct arena *a, const struct settings *s, struct buf *out) {
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *r = &rows[i];
        if (!is_known(r)) continue;
        struct str about = r->number ? str_printf(a, " (%lld–%lld %s)", (long long)r->lo, (long long)r->hi, r->unit) : STR("");
        buf_f(out, "# %s" STR_FMT "\n", r->doc, STR_ARG(about));
        if (r->number)
            buf_f(out, "%s = %lld\n", r->name, (long long)number_of(r, s));
        else
            buf_f(out, "%s = %s\n", r->name, r->flags & SETTING_SECRET ? "******" : *text_of(r, s));
    }
}
