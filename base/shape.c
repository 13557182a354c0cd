#include "base/shape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "base/limits.h"
#include "base/place.h"
#include "base/zone.h"

enum { SHAPE_FIELDS_MAX = 64, SET_NAMES_MAX = 32 };

typedef void read_field(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into);
static void read_object(struct shape_reading *r, const struct shape *shape, const struct json *v, const struct place *at, void *into);

static bool faults_full(const struct shape_reading *r) { return r->faults->list.n >= FAULTS_MAX; }

/* Once the list is full faults are only counted: a hostile document costs no more than reading it. */
PRINTF(4, 5) static void wrong(struct shape_reading *r, const struct place *at, enum problem p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fault_add_v(r->faults, p, faults_full(r) ? STR("") : place_pointer(r->arena, at), format, args);
    va_end(args);
}

/* ---- single values ------------------------------------------------------------------------------------------------ */

static bool read_text(struct shape_reading *r, const struct json *v, const struct place *at, struct str *out) {
    if (v->type == JSON_STRING) {
        *out = v->string;
        return true;
    }
    wrong(r, at, P_VALIDATION, "must be a string, not %s", json_type_name(v->type));
    return false;
}

static void read_string(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    struct str s;
    if (!read_text(r, v, at, &s)) return;
    if ((int64_t)s.n < f->lo || (int64_t)s.n > f->hi) {
        wrong(r, at, P_VALIDATION, "must have %lld to %lld bytes; it has %zu", (long long)f->lo, (long long)f->hi, s.n);
    } else if (str_has_control(s)) {
        wrong(r, at, P_VALIDATION, "must have no control characters");
    } else {
        *(struct str *)into = s;
    }
}

static const char code_rule[] = "must be a code: a letter or digit, then letters, digits, '.', '_', '-' or ':', at most %d in all";

static void read_code(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    (void)f;
    struct str s;
    if (!read_text(r, v, at, &s)) return;
    if (code_is_valid(s)) {
        *(struct str *)into = s;
    } else {
        wrong(r, at, P_VALIDATION, code_rule, (int)CODE_BYTES_MAX);
    }
}

static void read_public_id(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    (void)f;
    struct str s;
    if (!read_text(r, v, at, &s)) return;
    if (public_id_is_valid(s)) {
        *(struct str *)into = s;
    } else {
        wrong(r, at, P_VALIDATION, "must have 1 to %d bytes, no control characters and no segment '.' or '..'", (int)ID_BYTES_MAX);
    }
}

/* A number of the right kind that even the largest range does not hold is a problem of its own. */
static enum problem number_problem(const struct json *v) {
    return v->type == JSON_NUMBER && fabs(v->number) > (double)AMOUNT_MAX ? P_NUMBER : P_VALIDATION;
}

static void read_integer(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    if (json_is_integer(v, f->lo, f->hi, into)) return;
    wrong(r, at, number_problem(v), "must be an integer from %lld to %lld", (long long)f->lo, (long long)f->hi);
}

/* A bound of `scale` parts to the unit as it is written in JSON. */
static const char *bound_text(struct arena *a, int64_t bound, int64_t scale) {
    struct json number = json_num((double)bound / (double)scale);
    return str_z(a, json_to_text(a, &number));
}

static void wrong_number(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, int places,
                         int64_t scale) {
    if (faults_full(r)) {
        wrong(r, at, P_VALIDATION, "must be a number");
        return;
    }
    wrong(r, at, number_problem(v), "must be a number from %s to %s with at most %d decimal places", bound_text(r->arena, f->lo, scale),
          bound_text(r->arena, f->hi, scale), places);
}

static void read_decimal(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    struct decimal d;
    if (v->type == JSON_NUMBER && decimal_from_double(v->number, &d)) {
        int64_t millionths = decimal_millionths(d);
        if (millionths >= f->lo && millionths <= f->hi) {
            *(struct decimal *)into = d;
            return;
        }
    }
    wrong_number(r, f, v, at, 6, 1000000);
}

static void read_thousandths(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    struct decimal d;
    if (v->type == JSON_NUMBER && decimal_from_double(v->number, &d) && d.places <= 3) {
        int64_t thousandths = decimal_millionths(d) / 1000;
        if (thousandths >= f->lo && thousandths <= f->hi) {
            *(int64_t *)into = thousandths;
            return;
        }
    }
    wrong_number(r, f, v, at, 3, 1000);
}

static void read_bool(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    (void)f;
    if (v->type == JSON_BOOL) {
        *(bool *)into = v->boolean;
    } else {
        wrong(r, at, P_VALIDATION, "must be true or false");
    }
}

static void read_time(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    (void)f;
    struct str s;
    int64_t ms;
    if (!read_text(r, v, at, &s)) return;
    if (!time_parse(s, &ms)) {
        wrong(r, at, P_VALIDATION, "must be a time as in RFC 3339, such as 2026-11-21T10:00:00.000Z");
    } else if (ms < TIME_MS_MIN || ms > TIME_MS_MAX) {
        wrong(r, at, P_VALIDATION, "must be a time from 2000-01-01 to 2100-01-01");
    } else {
        *(int64_t *)into = ms;
    }
}

static const char *names_text(struct arena *a, const char *const *names) {
    struct buf b = buf_new(a, SIZE_MAX);
    for (size_t i = 0; names[i]; i++) {
        if (i) buf_z(&b, ", ");
        buf_z(&b, names[i]);
    }
    return str_z(a, buf_str(&b));
}

static int name_index(const char *const *names, const struct json *v) {
    if (v->type != JSON_STRING) return -1;
    for (int i = 0; names[i]; i++)
        if (str_is(v->string, names[i])) return i;
    return -1;
}

static void wrong_name(struct shape_reading *r, const struct field *f, const struct place *at) {
    wrong(r, at, P_VALIDATION, "must be one of: %s", faults_full(r) ? "" : names_text(r->arena, f->names));
}

static void read_enum(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    int i = name_index(f->names, v);
    if (i < 0) {
        wrong_name(r, f, at);
    } else {
        *(int *)into = i;
    }
}

/* ---- values with others inside ------------------------------------------------------------------------------------ */

static void read_json(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    if (f->hi > 0) {
        int64_t n = (int64_t)json_to_text(r->arena, v).n;
        if (n < f->lo || n > f->hi) {
            wrong(r, at, P_VALIDATION, "must have %lld to %lld bytes, written compactly; it has %lld", (long long)f->lo, (long long)f->hi,
                  (long long)n);
            return;
        }
    }
    *(const struct json **)into = v;
}

static void read_json_object(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    if (v->type == JSON_OBJECT) {
        read_json(r, f, v, at, into);
    } else {
        wrong(r, at, P_VALIDATION, "must be an object");
    }
}

static void read_sub(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    read_object(r, f->sub, v, at, into);
}

/* How many items are to be read. Of a list that is too long no more than there may be: the work stays within what the shape allows. */
static uint32_t list_length(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at) {
    if (v->type != JSON_ARRAY) {
        wrong(r, at, P_VALIDATION, "must be an array");
        return 0;
    }
    if (v->n < f->lo || v->n > f->hi)
        wrong(r, at, P_VALIDATION, "must have %lld to %lld items; it has %u", (long long)f->lo, (long long)f->hi, v->n);
    return v->n > f->hi ? (uint32_t)f->hi : v->n;
}

static void read_list(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    uint32_t n = list_length(r, f, v, at);
    char *items = arena_array(r->arena, n, f->sub->size);
    for (uint32_t i = 0; i < n; i++)
        read_object(r, f->sub, &v->items[i], &(struct place){.parent = at, .index = i}, items + i * f->sub->size);
    *(struct shape_list *)into = (struct shape_list){.items = items, .n = n};
}

static bool stands_before(const struct str *codes, uint32_t n, struct str code) {
    for (uint32_t i = 0; i < n; i++)
        if (str_eq(codes[i], code)) return true;
    return false;
}

static void read_codes(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    uint32_t n = list_length(r, f, v, at);
    struct str *codes = NEW_ARRAY(r->arena, struct str, n);
    for (uint32_t i = 0; i < n; i++) {
        struct place item = {.parent = at, .index = i};
        read_code(r, f, &v->items[i], &item, &codes[i]);
        if (codes[i].n && stands_before(codes, i, codes[i])) wrong(r, &item, P_VALIDATION, "stands in the list twice");
    }
    *(struct shape_list *)into = (struct shape_list){.items = codes, .n = n};
}

static void read_enums(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    uint32_t set = 0, n = list_length(r, f, v, at);
    for (uint32_t i = 0; i < n; i++) {
        struct place item = {.parent = at, .index = i};
        int bit = name_index(f->names, &v->items[i]);
        MUST(bit < SET_NAMES_MAX);
        if (bit < 0) {
            wrong_name(r, f, &item);
        } else if (set & UINT32_C(1) << bit) {
            wrong(r, &item, P_VALIDATION, "stands in the list twice");
        } else {
            set |= UINT32_C(1) << bit;
        }
    }
    *(uint32_t *)into = set;
}

static void read_custom(struct shape_reading *r, const struct field *f, const struct json *v, const struct place *at, void *into) {
    f->read(r, v, place_pointer(r->arena, at), into);
}

static read_field *const readers[] = {
    [F_STRING] = read_string,
    [F_CODE] = read_code,
    [F_PUBLIC_ID] = read_public_id,
    [F_INTEGER] = read_integer,
    [F_DECIMAL] = read_decimal,
    [F_THOUSANDTHS] = read_thousandths,
    [F_BOOL] = read_bool,
    [F_TIME] = read_time,
    [F_ENUM] = read_enum,
    [F_JSON] = read_json,
    [F_OBJECT] = read_sub,
    [F_LIST] = read_list,
    [F_JSON_OBJECT] = read_json_object,
    [F_CODES] = read_codes,
    [F_ENUMS] = read_enums,
    [F_CUSTOM] = read_custom,
};

/* ---- objects ------------------------------------------------------------------------------------------------------- */

static void set_defaults(const struct shape *shape, void *into) {
    for (size_t i = 0; i < shape->n_fields; i++) {
        const struct field *f = &shape->fields[i];
        void *at = (char *)into + f->offset;
        switch (f->type) {
        case F_INTEGER:
        case F_THOUSANDTHS:
        case F_TIME: *(int64_t *)at = f->dflt; break;
        case F_DECIMAL: *(struct decimal *)at = decimal_of(f->dflt); break;
        case F_BOOL: *(bool *)at = f->dflt != 0; break;
        case F_ENUM: *(int *)at = (int)f->dflt; break;
        case F_ENUMS: *(uint32_t *)at = (uint32_t)f->dflt; break;
        case F_OBJECT: set_defaults(f->sub, at); break;
        default: break; /* zero */
        }
    }
}

/* Documents mostly have their members in the order of the shape, so the search begins behind the field found last. */
static const struct field *field_of(const struct shape *shape, struct str name, size_t *last) {
    for (size_t k = 1; k <= shape->n_fields; k++) {
        size_t i = (*last + k) % shape->n_fields;
        if (str_is(name, shape->fields[i].name)) {
            *last = i;
            return &shape->fields[i];
        }
    }
    return NULL;
}

static void wrong_member(struct shape_reading *r, const struct shape *shape, const struct place *at) {
    struct buf b = buf_new(r->arena, SIZE_MAX);
    for (size_t i = 0; !faults_full(r) && i < shape->n_fields; i++) {
        if (i) buf_z(&b, ", ");
        buf_z(&b, shape->fields[i].name);
    }
    wrong(r, at, P_VALIDATION, "unknown member; known are: " STR_FMT, STR_ARG(buf_str(&b)));
}

/* Whether one of the faults from … to - 1 stands at the place or above it. */
static bool told_already(const struct faults *f, size_t from, size_t to, struct str pointer) {
    for (size_t i = from; i < to; i++)
        if (pointer_within(pointer, f->list.items[i].pointer)) return true;
    return false;
}

/* faults_before: the length of the list before this object was read. */
static void check_object(struct shape_reading *r, const struct shape *shape, const struct place *at, const void *filled,
                         size_t faults_before) {
    if (!shape->check || faults_full(r)) return;
    struct faults found = faults_new(r->arena);
    shape->check(&(struct shape_reading){.arena = r->arena, .faults = &found}, filled, place_pointer(r->arena, at));
    size_t to = r->faults->list.n;
    for (size_t i = 0; i < found.list.n; i++) {
        const struct fault *f = &found.list.items[i];
        if (!told_already(r->faults, faults_before, to, f->pointer))
            (void)fault_add(r->faults, f->problem, f->pointer, STR_FMT, STR_ARG(f->detail));
    }
}

static void read_object(struct shape_reading *r, const struct shape *shape, const struct json *v, const struct place *at, void *into) {
    MUST(shape->n_fields <= SHAPE_FIELDS_MAX);
    size_t faults_before = r->faults->list.n;
    uint64_t seen = 0;
    size_t last = shape->n_fields - 1;
    set_defaults(shape, into);
    if (v->type != JSON_OBJECT) {
        wrong(r, at, P_VALIDATION, "must be an object, not %s", json_type_name(v->type));
        return;
    }
    for (uint32_t i = 0; i < v->n; i++) {
        const struct json_member *m = &v->members[i];
        struct place member = {.parent = at, .key = m->key.n ? m->key : STR("")};
        const struct field *f = field_of(shape, m->key, &last);
        if (!f) {
            wrong_member(r, shape, &member);
            continue;
        }
        seen |= UINT64_C(1) << last;
        if (f->present != NOT_TRACKED) *((bool *)into + f->present) = true;
        readers[f->type](r, f, &m->value, &member, (char *)into + f->offset);
    }
    for (size_t i = 0; i < shape->n_fields; i++) {
        if (!shape->fields[i].required || seen & UINT64_C(1) << i) continue;
        wrong(r, &(struct place){.parent = at, .key = str_of(shape->fields[i].name)}, P_VALIDATION, "is required");
    }
    check_object(r, shape, at, into, faults_before);
}

enum problem shape_read(const struct shape *shape, const struct json *v, struct str pointer, struct arena *a, void *out,
                        struct faults *faults) {
    struct shape_reading r = {.arena = a, .faults = faults};
    size_t kept = faults->list.n, more = faults->more;
    memset(out, 0, shape->size);
    read_object(&r, shape, v, &(struct place){.key = pointer}, out);
    if (faults->list.n > kept) return faults->list.items[kept].problem;
    return faults->more > more ? P_VALIDATION : P_OK;
}
