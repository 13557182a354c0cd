#include "base/zone.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The zones found so far. They live as long as the process, in an arena that is never emptied; the database has about 600. */
static struct {
    struct arena *arena;
    LIST(const struct zone *) list;
} known;

static const int64_t utc_from[] = {INT64_MIN};
static const int32_t utc_offset[] = {0};
static const struct zone utc = {.name = {"UTC", 3}, .n = 1, .from_ms = utc_from, .offset_s = utc_offset};

const struct zone *zone_utc(void) { return &utc; }

/* Names outside the IANA database that may lie in its folder: those of this host, and copies with another way of counting. */
static bool is_foreign(struct str segment) {
    return str_is(segment, "localtime") || str_is(segment, "posixrules") || str_is(segment, "posix") || str_is(segment, "right") ||
           str_is(segment, "Factory");
}

static bool name_is_valid(struct str name) {
    if (name.n < 1 || name.n > ZONE_BYTES_MAX) return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '+' && c != '/' && c != '-') return false;
    }
    struct str rest = name, first = str_cut(&rest, '/');
    if (is_foreign(first) || !first.n) return false;
    while (rest.p)
        if (!str_cut(&rest, '/').n) return false; /* "a//b" would be a second name of "a/b" */
    return true;
}

static bool file_is_zone(struct arena *a, struct str name) {
    const char *folder = getenv("TZDIR");
    struct str path = str_printf(a, "%s/" STR_FMT, folder && *folder ? folder : "/usr/share/zoneinfo", STR_ARG(name));
    const char *path_z = str_z(a, path);
    char magic[4];
    struct stat info;
    int fd = open(path_z, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    bool is = !fstat(fd, &info) && S_ISREG(info.st_mode) && read(fd, magic, 4) == 4 && !memcmp(magic, "TZif", 4);
    close(fd);
    return is;
}

/* NULL unsets. */
static void set_tz(const char *tz) {
    int failed = tz ? setenv("TZ", tz, 1) : unsetenv("TZ");
    MUST(!failed);
    tzset();
}

static int32_t probe(int64_t second) {
    time_t t = (time_t)second;
    struct tm local;
    struct tm *ok = localtime_r(&t, &local);
    MUST(ok);
    return (int32_t)local.tm_gmtoff;
}

struct table {
    LIST(int64_t) from_ms;
    LIST(int32_t) offset_s;
};

static void table_add(struct arena *a, struct table *t, int64_t from_ms, int32_t offset_s) {
    *LIST_PUSH(a, &t->from_ms) = from_ms;
    *LIST_PUSH(a, &t->offset_s) = offset_s;
}

/* Asks the C library for the offset in steps, and halves the steps within which it changed. No zone has changed twice within two days
 * since 2000; a step is shorter than that. */
static struct table scan(struct arena *a) {
    enum { STEP_S = 42 * 3600 };
    const int64_t last = TIME_MS_MAX / MS_SECOND;
    struct table t = {.from_ms = {.n = 0}};
    int64_t at = TIME_MS_MIN / MS_SECOND;
    int32_t offset = probe(at);
    table_add(a, &t, INT64_MIN, offset);
    while (at < last) {
        int64_t next = at + STEP_S < last ? at + STEP_S : last;
        int32_t next_offset = probe(next);
        if (next_offset != offset) {
            int64_t lo = at, hi = next; /* probe(lo) is the old offset, probe(hi) another */
            while (hi - lo > 1) {
                int64_t middle = lo + (hi - lo) / 2;
                if (probe(middle) == offset)
                    lo = middle;
                else
                    hi = middle;
            }
            next = hi;
            next_offset = probe(hi);
            table_add(a, &t, hi * MS_SECOND, next_offset);
        }
        at = next;
        offset = next_offset;
    }
    return t;
}

static const struct zone *zone_load(struct arena *a, struct str name) {
    const char *before = getenv("TZ");
    if (before) before = str_z(a, str_of(before)); /* setenv voids what getenv gave */
    struct zone *z = NEW(a, struct zone);
    z->name = str_of(str_z(a, name));
    set_tz(z->name.p);
    struct table t = scan(a);
    set_tz(before);
    z->n = (uint32_t)t.from_ms.n;
    z->from_ms = t.from_ms.items;
    z->offset_s = t.offset_s.items;
    return z;
}

const struct zone *zone_find(struct str name) {
    if (str_eq(name, utc.name)) return &utc;
    for (size_t i = 0; i < known.list.n; i++)
        if (str_eq(known.list.items[i]->name, name)) return known.list.items[i];
    if (!name_is_valid(name)) return NULL;
    if (!known.arena) known.arena = arena_new();
    struct arena *work = arena_new();
    bool exists = file_is_zone(work, name);
    arena_free(&work);
    if (!exists) return NULL;
    const struct zone *z = zone_load(known.arena, name);
    *LIST_PUSH(known.arena, &known.list) = z;
    return z;
}
