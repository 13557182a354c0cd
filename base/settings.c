#include "base/settings.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 64 * 1024, TEXT_BYTES_MAX = 1024 };

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

/* Takes one value. What is wrong with it goes to *error, after `where`, without the value: it may be a secret in the wrong line. */
static bool take(struct arena *a, const struct row *r, struct str value, struct str where, struct settings *out, struct str *error) {
    void *field = (char *)out + r->offset;
    if (r->number) {
        int64_t v;
        if (!str_to_i64(value, r->lo, r->hi, &v)) {
            *error = str_printf(a, STR_FMT ": '%s' must be a whole number from %lld to %lld (%s)", STR_ARG(where), r->name,
                                (long long)r->lo, (long long)r->hi, r->unit);
            return false;
        }
        *(int64_t *)field = v;
        return true;
    }
    if (value.n > TEXT_BYTES_MAX || str_has_control(value)) {
        *error = str_printf(a, STR_FMT ": '%s' must be text of at most %d bytes without control characters", STR_ARG(where), r->name,
                            TEXT_BYTES_MAX);
        return false;
    }
    *(const char **)field = str_z(a, value);
    return true;
}

static bool take_line(struct arena *a, struct str line, struct str where, struct settings *out, bool *seen, struct str *error) {
    line = trim(line);
    if (!line.n || line.p[0] == '#') return true;
    struct str rest = line, name = trim(str_cut(&rest, '='));
    if (!rest.p) {
        *error = str_printf(a, STR_FMT ": expected 'name = value'", STR_ARG(where));
        return false;
    }
    const struct row *r = row_of(name);
    if (!r) {
        bool showable = name.n <= 64 && !str_has_control(name) && str_is_utf8(name);
        *error = showable ? str_printf(a, STR_FMT ": unknown setting '" STR_FMT "'", STR_ARG(where), STR_ARG(name))
                          : str_printf(a, STR_FMT ": unknown setting", STR_ARG(where));
        return false;
    }
    if (seen[r - rows]) {
        *error = str_printf(a, STR_FMT ": duplicate setting '%s'", STR_ARG(where), r->name);
        return false;
    }
    seen[r - rows] = true;
    return take(a, r, trim(rest), where, out, error);
}

static bool read_all(struct arena *a, const char *path, struct str *text, struct str *error) {
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
        *error = str_printf(a, "%s: %s", path, strerror(errno));
    } else if (n > FILE_BYTES_MAX) {
        *error = str_printf(a, "%s: larger than %d bytes", path, FILE_BYTES_MAX);
    }
    if (fd >= 0) close(fd);
    *text = (struct str){bytes, n};
    return fd >= 0 && got >= 0 && n <= FILE_BYTES_MAX;
}

static bool load_file(struct arena *a, const char *path, struct settings *out, struct str *error) {
    bool seen[COUNT(rows)] = {false};
    struct str rest;
    if (!read_all(a, path, &rest, error)) return false;
    for (int line = 1; rest.p; line++) {
        struct str where = str_printf(a, "%s:%d", path, line);
        if (!take_line(a, str_cut(&rest, '\n'), where, out, seen, error)) return false;
    }
    return true;
}

static bool load_environment(struct arena *a, struct settings *out, struct str *error) {
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *name = str_z(a, str_printf(a, "ACCOLADE_%s", rows[i].name));
        for (char *c = name; *c; c++) *c = (char)toupper((unsigned char)*c);
        const char *value = getenv(name);
        if (value && is_known(&rows[i]) && !take(a, &rows[i], trim(str_of(value)), str_printf(a, "environment %s", name), out, error))
            return false;
    }
    return true;
}

bool settings_load(struct arena *a, const char *path, struct settings *out, struct str *error) {
    struct settings s = defaults;
    if (!path) path = getenv("ACCOLADE_CONF");
    if (path && *path && !load_file(a, path, &s, error)) return false;
    if (!load_environment(a, &s, error)) return false;
    *out = s;
    return true;
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
