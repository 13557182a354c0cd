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

struct kind_row {
    const char *name;          /* as in "kind" */
    enum code_kind code_kind;  /* 0: has no number */
    const struct shape *shape; /* of the whole definition */
};
extern const struct kind_row kind_rows[]; /* ends with name NULL */
const struct kind_row *kind_find(struct str name);

/* Splits {"definitions":[…]} (other members are the caller's) into definitions, sorted by kind and code: refuses unknown kinds,
 * bad codes, duplicates, more than DEFINITIONS_MAX. `settings` has the fixed code "settings". */
MUST_CHECK enum problem config_split(struct arena *a, const struct json *list, struct str pointer, struct definition **out, size_t *n,
                                     struct faults *faults);

/* The codes that need numbers: those of definitions, event types, metrics that are only counted, zones. Without duplicates.
 * Gives as many as it can find also in a document with faults. */
void config_codes(struct arena *a, const struct definition *d, size_t n, struct code_number **out, size_t *n_out); /* no = 0 */

struct compile_in {
    tenant_id tenant;
    uint64_t version;
    const struct definition *definitions;
    size_t n_definitions;
    const struct code_number *codes; /* every number of the tenant; a code of this configuration without one is a MUST */
    size_t n_codes;
    struct str zone_before; /* "" : the zone has not changed */
    int64_t zone_from_ms;
};
/* Checks everything: shapes, dangling references, expressions, zones, amounts (P_AMOUNT_TOO_LARGE), the state's worst case
 * (P_STATE_TOO_LARGE), grants that could go round for ever. Returns the problem of the first fault. */
MUST_CHECK enum problem program_compile(struct arena *a, const struct compile_in *in, struct program **out, struct faults *faults);

/* The definition as it is stored and shown: members in the shape's order, kind and code first. */
struct str definition_text(struct arena *a, const struct definition *d);

#endif
