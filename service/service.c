#include "service/service.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/inside.h"

enum {
    PATIENT_S = 600, /* jobs and verify: one long statement, or long thought between two */
    UNUSABLE_S = 5,  /* a stored configuration that does not compile: when it is tried again */
};

/* The second part of new keys: what api_token_parse takes back. */
static bool env_is_valid(const char *env) {
    size_t n = strspn(env, "abcdefghijklmnopqrstuvwxyz0123456789");
    return n >= 1 && n <= 16 && env[n] == '\0';
}

static bool read_installation_key(const char *path, struct key32 *out, struct arena *a, struct str *error) {
    if (path == NULL || *path == '\0') {
        *error = STR("setting installation_key_file: name the file of 32 bytes that all tenants' keys are made from");
        return false;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    bool ok = fd >= 0 && fstat(fd, &st) == 0 && st.st_size == KEY_BYTES && read(fd, out->b, KEY_BYTES) == KEY_BYTES;
    if (!ok) *error = str_printf(a, "%s: cannot read an installation key of exactly %d bytes", path, KEY_BYTES);
    if (ok && (st.st_mode & 077) != 0) {
        *error = str_printf(a, "%s: others can read the installation key; run: chmod 600 %s", path, path);
        ok = false;
    }
    if (fd >= 0) close(fd);
    return ok;
}

struct service *service_open(const struct settings *settings, bool patient, struct arena *a, struct str *error) {
    struct key32 installation;
    if (!env_is_valid(settings->env)) {
        *error = STR("setting env: must be 1 to 16 small letters or digits");
        return NULL;
    }
    if (!read_installation_key(settings->installation_key_file, &installation, a, error)) return NULL;
    struct arena *arena = arena_new();
    struct service *s = NEW(arena, struct service);
    s->arena = arena;
    s->settings = *settings;
    s->installation = installation;
    s->copies = crypto_hkdf(&installation, STR(""), STR("copies"));
    s->tenant_keys = NEW_ARRAY(arena, struct tenant_keys_slot, TENANT_KEYS_SLOTS);
    s->key_slots = NEW_ARRAY(arena, struct key_slot, KEY_SLOTS);
    s->cap_programs = PROGRAMS_MAX * 2;
    s->programs = NEW_ARRAY(arena, struct program_slot, s->cap_programs);
    struct db_address address = {
        .socket = settings->db_socket,
        .host = settings->db_host,
        .name = settings->db_name,
        .user = settings->db_user,
        .password = settings->db_password,
        .port = (unsigned)settings->db_port,
        .read_timeout_ms = patient ? PATIENT_S * 1000 : (int)settings->db_timeout_ms,
        .idle_timeout_s = patient ? PATIENT_S : 0,
    };
    s->cache = cache_open(arena, settings->memcached);
    if (s->cache == NULL) {
        *error = STR("setting memcached: neither the path of a unix socket nor host:port");
        arena_free(&arena);
        return NULL;
    }
    s->db = db_open(&address);
    return s;
}

void service_close(struct service **service) {
    struct service *s = *service;
    if (s == NULL) return;
    if (s->lane_owned) {
        struct arena *a = arena_new();
        enum db_result r = lane_release(s->db, a, &s->lane);
        if (r != DB_OK && r != DB_NOT_FOUND) log_line(LOG_INFO, "lane_release", "lane=%u result=%s", s->lane.lane, db_result_name(r));
        arena_free(&a);
    }
    db_close(&s->db);
    cache_close(&s->cache);
    for (size_t i = 0; i < s->n_programs; i++) arena_free(&s->programs[i].arena);
    for (size_t i = 0; i < KEY_SLOTS; i++) arena_free(&s->key_slots[i].arena);
    crypto_wipe(&s->installation, sizeof s->installation);
    crypto_wipe(&s->copies, sizeof s->copies);
    struct arena *arena = s->arena;
    arena_free(&arena);
    *service = NULL;
}

const struct tenant_keys *service_tenant_keys(struct service *s, tenant_id t) {
    struct tenant_keys_slot *slot = &s->tenant_keys[t.v % TENANT_KEYS_SLOTS];
    if (slot->tenant.v != t.v || t.v == 0) {
        slot->tenant = t;
        slot->keys = tenant_keys_of(&s->installation, t);
    }
    return &slot->keys;
}

enum problem service_problem(enum db_result r, struct faults *f) {
    switch (r) {
    case DB_OK: return P_OK;
    case DB_BUSY: f->retry_after = 1; return fault_say(f, P_IN_PROGRESS, "somebody else is changing the same thing; try again");
    case DB_RETRY:
    case DB_GONE:
    case DB_UNKNOWN: f->retry_after = 1; return fault_say(f, P_UNAVAILABLE, "the database is not available; try the same again");
    case DB_FATAL: return P_INTERNAL;
    case DB_NOT_FOUND:
    case DB_CONFLICT: break;
    }
    NEVER("a database result that the caller had to handle");
}

void service_deadline(struct service *s, int64_t us) { s->deadline_us = us; }
bool service_is_late(const struct service *s) { return s->deadline_us != 0 && clock_monotonic_us() >= s->deadline_us; }

/* ---- programs ---- */

static struct program_slot *program_slot_of(struct service *s, tenant_id t, uint64_t version) {
    for (size_t i = 0; i < s->n_programs; i++) {
        if (s->programs[i].tenant.v == t.v && s->programs[i].version == version) return &s->programs[i];
    }
    return NULL;
}

enum problem definitions_load(struct service *s, struct arena *a, tenant_id t, uint64_t version, struct definition **out, size_t *n_out,
                              struct faults *f) {
    struct definition_row *rows;
    size_t n;
    enum db_result r = definitions_at(s->db, a, t, version, &rows, &n);
    if (r != DB_OK) return service_problem(r, f);
    struct definition *d = NEW_ARRAY(a, struct definition, n);
    for (size_t i = 0; i < n; i++) {
        d[i].kind = rows[i].kind;
        d[i].code = rows[i].code;
        d[i].pointer = str_printf(a, "/definitions/%zu", i);
        if (kind_find(d[i].kind) == NULL || json_parse(a, rows[i].body, &d[i].body, f) != P_OK) return P_CONFIG_UNUSABLE;
    }
    *out = d;
    *n_out = n;
    return P_OK;
}

bool code_has_number(const struct code_number *wanted, const struct code_number *codes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (codes[i].kind == wanted->kind && str_eq(codes[i].code, wanted->code)) return true;
    }
    return false;
}

static int by_kind_and_code(const void *x, const void *y) {
    const struct code_number *a = x, *b = y;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    return str_cmp(a->code, b->code);
}

/* Numbers were given when the version was saved: one that is missing is damage, and no reason to die. */
static enum problem check_numbers(struct arena *a, const struct compile_in *in) {
    struct code_number *wanted, *stored = arena_copy(a, in->codes, in->n_codes * sizeof *stored);
    size_t n;
    config_codes(a, in->definitions, in->n_definitions, &wanted, &n);
    if (in->n_codes > 0) qsort(stored, in->n_codes, sizeof *stored, by_kind_and_code);
    for (size_t i = 0; i < n; i++) {
        if (in->n_codes > 0 && bsearch(&wanted[i], stored, in->n_codes, sizeof *stored, by_kind_and_code) != NULL) continue;
        log_line(LOG_ERROR, "config_unusable", "tenant=%u version=%llu what=\"a code has no number: accolade verify\" code=%s",
                 in->tenant.v, (unsigned long long)in->version, log_quote(a, wanted[i].code));
        return P_CONFIG_UNUSABLE;
    }
    return P_OK;
}

static enum problem program_load(struct service *s, struct arena *a, tenant_id t, uint64_t version, struct program **out,
                                 struct faults *f) {
    struct compile_in in = {.tenant = t, .version = version};
    struct definition *definitions = NULL;
    enum problem p = definitions_load(s, a, t, version, &definitions, &in.n_definitions, f);
    if (p != P_OK) return p;
    in.definitions = definitions;
    struct code_number *codes;
    enum db_result r = codes_read(s->db, a, t, &codes, &in.n_codes);
    if (r != DB_OK) return service_problem(r, f);
    in.codes = codes;
    p = check_numbers(a, &in);
    if (p != P_OK) return p;
    struct version_row change;
    r = version_zone_change(s->db, a, t, version, &change);
    if (r == DB_OK) {
        in.zone_before = change.zone_before;
        in.zone_from_ms = change.zone_from_ms;
    } else if (r != DB_NOT_FOUND) {
        return service_problem(r, f);
    }
    struct faults compile_faults = faults_new(a);
    if (program_compile(a, &in, out, &compile_faults) != P_OK) {
        struct str first = compile_faults.list.n > 0 ? compile_faults.list.items[0].detail : STR("");
        log_line(LOG_ERROR, "config_unusable", "tenant=%u version=%llu first=%s", t.v, (unsigned long long)version, log_quote(a, first));
        return P_CONFIG_UNUSABLE;
    }
    return P_OK;
}

static void program_drop(struct service *s, struct program_slot *slot) {
    arena_free(&slot->arena);
    *slot = s->programs[--s->n_programs];
}

static enum problem unusable(struct faults *f) {
    f->retry_after = UNUSABLE_S;
    return P_CONFIG_UNUSABLE;
}

/* A new slot; of what does not compile as well, which is not to cost a compilation at every request. */
static enum problem program_add(struct service *s, tenant_id t, uint64_t version, struct program_slot **out, struct faults *f) {
    if (s->n_programs == s->cap_programs) {
        f->retry_after = 1;
        fault_say(f, P_UNAVAILABLE, "too many tenants at once; try the same again");
        return P_UNAVAILABLE;
    }
    struct arena *a = arena_new();
    struct program *program = NULL;
    enum problem p = program_load(s, a, t, version, &program, f);
    if (p != P_OK) arena_free(&a);
    if (p != P_OK && p != P_CONFIG_UNUSABLE) return p;
    *out = &s->programs[s->n_programs++];
    **out = (struct program_slot){.tenant = t, .version = version, .arena = a, .used = ++s->clock};
    if (p != P_OK) {
        (*out)->retry_us = clock_monotonic_us() + UNUSABLE_S * INT64_C(1000000);
        return unusable(f);
    }
    (*out)->program = program;
    (*out)->bytes = arena_used(a);
    return P_OK;
}

enum problem program_get(struct service *s, tenant_id t, uint64_t version, const struct program **out, struct faults *f) {
    struct program_slot *slot = program_slot_of(s, t, version);
    if (slot != NULL) slot->used = ++s->clock; /* what does not compile too: it is not to be the first to go */
    if (slot != NULL && slot->program == NULL) {
        if (clock_monotonic_us() < slot->retry_us) return unusable(f);
        program_drop(s, slot);
        slot = NULL;
    }
    if (slot == NULL) {
        enum problem p = program_add(s, t, version, &slot, f);
        if (p != P_OK) return p;
    }
    *out = slot->program;
    return P_OK;
}

void programs_trim(struct service *s) {
    size_t bytes = 0;
    for (size_t i = 0; i < s->n_programs; i++) bytes += s->programs[i].bytes;
    while (s->n_programs > PROGRAMS_MAX || (bytes > PROGRAM_BYTES_MAX && s->n_programs > 1)) {
        size_t oldest = 0;
        for (size_t i = 1; i < s->n_programs; i++) {
            if (s->programs[i].used < s->programs[oldest].used) oldest = i;
        }
        bytes -= s->programs[oldest].bytes;
        program_drop(s, &s->programs[oldest]);
    }
}
