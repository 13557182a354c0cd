/* service/draft.h: a configuration document against what is stored: for config*.c and tenants.c. */
#ifndef SERVICE_DRAFT_H
#define SERVICE_DRAFT_H

#include "service/config.h"
#include "service/inside.h"

struct draft { /* a document against what is stored */
    struct tenant_row tenant;
    uint64_t from; /* the version that the document names; FROM_UNSAID: none */
    struct definition *definitions;
    size_t n;
    struct definition_row *rows; /* stored at the present version */
    size_t n_rows;
    struct str *texts; /* of the definitions, as they would be stored */
    LIST(struct config_change) changes;
    LIST(struct definition_row) ended, brought;
    LIST(struct code_number) new_codes;
    struct compile_in in;
    struct program *program;
};

/* Splits a document into d->definitions; all its faults. */
MUST_CHECK enum problem draft_read(struct arena *a, const struct json *document, struct draft *d, struct faults *f);
/* Reads, numbers, compiles and compares. P_DEFINITION where the whole could be stored but not be applied again: too long, too deep. */
MUST_CHECK enum problem draft_make(struct service *s, struct arena *a, tenant_id t, const struct json *document, struct draft *d,
                                   struct faults *f);
/* The program that a made draft would be if it were written at now_ms, with what becomes of the tenant's zone; where nothing differs, the
 * present one. */
MUST_CHECK enum problem draft_program(struct service *s, struct arena *a, struct draft *d, int64_t now_ms, const struct program **out,
                                      struct faults *f);
/* Within a transaction: writes what differs as the next version. P_VERSION where somebody was quicker. */
MUST_CHECK enum problem draft_write(struct service *s, struct arena *a, struct draft *d, struct str actor, int64_t now_ms, struct faults *f,
                                    enum db_result *r);
void draft_result(const struct draft *d, struct config_result *out);

/* The stored definitions at a version; none at version 0. */
MUST_CHECK enum problem config_rows(struct service *s, struct arena *a, tenant_id t, uint64_t version, struct definition_row **rows,
                                    size_t *n, struct faults *f);

#endif
