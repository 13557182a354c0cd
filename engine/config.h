/* engine/config.h: from definitions to a program (DESIGN 4): each kind contributes a shape and a compile function.
 *
 * Pure: numbers, zones' change and version come from the caller. All faults of a document are reported together, each with
 * its pointer: "/definitions/3/grant/0/currency". */
#ifndef ENGINE_CONFIG_H
#define ENGINE_CONFIG_H

#include "base/shape.h"
#include "engine/program.h"

struct definition {
    struct str kind, code;
    struct json body;   /* the whole object, with kind and code */
    struct str pointer; /* where it stands in the document, "" alone */
};

struct compiling; /* engine/kinds.h */
struct drafted;
struct kind_row {
    const char *name;                                              /* as in "kind" */
    enum code_kind code_kind;                                      /* 0: has no number */
    const struct shape *shape;                                     /* of the whole definition */
    void (*compile)(struct compiling *c, const struct drafted *d); /* private to engine/ */
};
extern const struct kind_row kind_rows[]; /* ends with name NULL */
const struct kind_row *kind_find(struct str name);
struct str kind_names(struct arena *a); /* "settings, metric, …", for those who named another */

/* One definition: its kind must exist; nothing else is looked at. A code that is none is left "", which program_compile refuses.
 * `settings` has the fixed code "settings", which its body may leave out. The body's members are views into `v`. */
MUST_CHECK enum problem config_definition(struct arena *a, const struct json *v, struct str pointer, struct definition *out,
                                          struct faults *faults);
/* Splits the list of {"definitions":[…]} (`list` is the array itself, `pointer` its place) into definitions, sorted by kind and
 * code: refuses unknown kinds, duplicates, more than DEFINITIONS_MAX. Also where there are faults it gives all that have a kind,
 * so that program_compile finds the rest of the faults in one go. */
MUST_CHECK enum problem config_split(struct arena *a, const struct json *list, struct str pointer, struct definition **out, size_t *n,
                                     struct faults *faults);

/* The codes that need numbers: those of definitions, event types, metrics that are only counted, the tenant's zone. Without
 * duplicates, by kind, then code. Gives as many as it can find also in a document with faults. */
void config_codes(struct arena *a, const struct definition *d, size_t n, struct code_number **out, size_t *n_out); /* no = 0 */

struct compile_in {
    tenant_id tenant;
    uint64_t version;
    const struct definition *definitions; /* as config_split gives them; the program keeps views into their bodies */
    size_t n_definitions;
    const struct json *list; /* where config_split found faults: what it was given, so that nothing is said to be missing that is there */
    const struct code_number *codes; /* every number of the tenant; a code of this configuration without one is a MUST */
    size_t n_codes;
    int64_t widest_window_ms; /* how wide a window identities are kept long enough for; 0: any */
    struct str zone_before;   /* "": the zone has not changed; else it has a number too */
    int64_t zone_from_ms;
};
/* Checks everything: shapes, dangling references, expressions, zones, amounts (P_AMOUNT_TOO_LARGE), the window, the state's worst case
 * (P_STATE_TOO_LARGE), how much one event may cause. What has the wrong shape is P_VALIDATION, what does not fit together
 * P_DEFINITION. Returns the problem of the first fault; *out is NULL then. */
MUST_CHECK enum problem program_compile(struct arena *a, const struct compile_in *in, struct program **out, struct faults *faults);

/* The definition as it is stored and shown: members in the shape's order at every depth, kind and code first, only those that are
 * present. Its shape must have been found good. */
struct str definition_text(struct arena *a, const struct definition *d);

#endif
