/* base/shape.h: what a JSON body may be, as a table: it checks, fills a typed struct, and gives the JSON Schema.
 *
 * One pass: unknown and missing members, wrong types and values out of bounds each add a fault with its pointer
 * (P_VALIDATION; P_NUMBER for a number that is right in type but beyond the largest range); all faults of a document are
 * collected before it is refused. Optional members that are absent leave the struct's default (zero, or `dflt`). */
#ifndef BASE_SHAPE_H
#define BASE_SHAPE_H

#include "base/decimal.h"
#include "base/json.h"

enum field_type {
    F_STRING,      /* struct str; lo … hi bytes; control characters refused */
    F_CODE,        /* struct str; code_is_valid */
    F_PUBLIC_ID,   /* struct str; public_id_is_valid */
    F_INTEGER,     /* int64_t; lo … hi */
    F_DECIMAL,     /* struct decimal; lo … hi in millionths; at most 6 places */
    F_THOUSANDTHS, /* int64_t in thousandths; lo … hi in thousandths; at most 3 places */
    F_BOOL,        /* bool */
    F_TIME,        /* int64_t milliseconds; RFC 3339 with any offset; TIME_MS_MIN … TIME_MS_MAX; further digits cut */
    F_ENUM,        /* int, the index in `names` */
    F_JSON,        /* const struct json *; any value; lo … hi bytes as written compactly when hi > 0 */
    F_JSON_OBJECT, /* the same, an object */
    F_OBJECT,      /* the struct of `sub` in place; `present` says whether it was there */
    F_LIST,        /* struct shape_list of the structs of `sub`; lo … hi items */
    F_CODES,       /* struct shape_list of struct str, each a code; lo … hi items, no duplicates */
    F_ENUMS,       /* uint32_t, a set of bits by index in `names`; lo … hi items, no duplicates */
    F_CUSTOM,      /* `read` does it; `schema` is its JSON Schema */
};

struct shape_list {
    void *items;
    size_t n;
};

struct shape;
struct shape_reading { /* handed to a custom reader */
    struct arena *arena;
    struct faults *faults;
};

struct field {
    const char *name;
    enum field_type type;
    bool required;
    size_t offset;  /* in the struct */
    size_t present; /* offset of a bool set to whether the member was there, or SIZE_MAX */
    int64_t lo, hi;
    int64_t dflt;             /* for F_INTEGER, F_THOUSANDTHS, F_TIME, F_ENUM, F_BOOL, F_ENUMS; F_DECIMAL in millionths */
    const char *const *names; /* NULL-terminated */
    const struct shape *sub;
    void (*read)(struct shape_reading *r, const struct json *v, struct str pointer, void *into);
    const char *schema; /* of a custom field */
    const char *doc;    /* one sentence for the description */
};
struct shape {
    const char *name; /* CamelCase; a component of the API description */
    size_t size;      /* of the struct */
    const struct field *fields;
    size_t n_fields;
    const char *doc;
    /* What concerns several fields, or NULL. It is asked also where a field was refused, which then has its default: it asks by
     * `present` what was there. What it says of a place that has a fault already, or lies inside such a place, is not told. */
    void (*check)(struct shape_reading *r, const void *filled, struct str pointer);
};
#define NOT_TRACKED SIZE_MAX

/* out points to shape->size bytes, zeroed by the callee. Strings are views into v's strings. */
MUST_CHECK enum problem shape_read(const struct shape *shape, const struct json *v, struct str pointer, struct arena *a, void *out,
                                   struct faults *faults);
/* JSON Schema (2020-12) of the shape as one object; sub-shapes as {"$ref":"#/components/schemas/NAME"}. */
void shape_schema(const struct shape *shape, struct json_writer *w);

#endif
