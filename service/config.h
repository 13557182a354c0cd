/* service/config.h: a tenant's configuration as one document: exported, planned, applied all or nothing, rolled back (SEMANTICS 25). */
#ifndef SERVICE_CONFIG_H
#define SERVICE_CONFIG_H

#include "engine/config.h"
#include "service/write.h"

/* ---- reading ---- */

/* {"version":7,"definitions":[…]}; of a version that never was, without definitions. */
MUST_CHECK enum problem config_export(struct service *s, struct arena *a, tenant_id t, uint64_t version, struct str *out, struct faults *f);
/* The same of a version that was: P_NOT_FOUND of another. 0 is the empty one. */
MUST_CHECK enum problem config_at(struct service *s, struct arena *a, tenant_id t, uint64_t version, struct str *out, struct faults *f);
/* The same of the present version, kind "" : all; to be shown: it may come from a copy (service/copies.h). */
MUST_CHECK enum problem config_of_kind(struct service *s, struct arena *a, const struct tenant_row *t, struct str kind, struct str *out,
                                       struct faults *f);
/* One definition as it stands; *version is the one that brought it: its ETag. P_NOT_FOUND. */
MUST_CHECK enum problem config_get(struct service *s, struct arena *a, const struct tenant_row *t, struct str kind, struct str code,
                                   struct str *out, uint64_t *version, struct faults *f);
/* {"data":[{"version","until","definition"}…],"next_cursor"}, newest first; also of a deleted definition. P_NOT_FOUND where there never
 * was one. */
MUST_CHECK enum problem config_history(struct service *s, struct arena *a, const struct tenant_row *t, struct str kind, struct str code,
                                       struct str cursor, size_t limit, struct str *out, struct faults *f);
/* {"data":[{"version","created_at","actor"}…],"next_cursor"}, newest first. */
MUST_CHECK enum problem config_versions(struct service *s, struct arena *a, const struct tenant_row *t, struct str cursor, size_t limit,
                                        struct str *out, struct faults *f);

/* ---- writing ---- */

#define FROM_UNSAID UINT64_MAX /* no version was named */

enum change_made { CHANGE_CREATED, CHANGE_CHANGED, CHANGE_DELETED };
struct config_change {
    enum change_made what;
    struct str kind, code;
    struct str before, after; /* definition texts, "" where there is none */
};
struct config_result {
    uint64_t version; /* after; unchanged where nothing differs */
    struct config_change *changes;
    size_t n_changes;
};
const char *change_made_name(enum change_made what);
/* {"version":8,"changes":[{"change":"created","kind","code"}…]}; with texts also "before" and "after". */
void config_result_render(struct json_writer *w, const struct config_result *r, bool texts);

/* Compiles the document as the tenant's next version without writing anything; gives what would change. P_VERSION as in config_apply,
 * where `from` or the document names a version; FROM_UNSAID: `from` names none. */
MUST_CHECK enum problem config_plan(struct service *s, struct arena *a, tenant_id t, uint64_t from, const struct json *document,
                                    struct config_result *out, struct faults *f);

struct config_write { /* who writes, and from which version it was made */
    tenant_id tenant;
    uint64_t from; /* another one by now is P_VERSION; FROM_UNSAID: see config_put */
    struct str actor;
    const struct write_key *key; /* NULL: none */
    int64_t now_ms;
};
/* The whole: what is absent is deleted. Checks the late window against the retention of identities. The next event of any worker uses it.
 * The answer is config_result_render's. */
MUST_CHECK enum problem config_apply(struct service *s, struct arena *a, const struct config_write *w, const struct json *document,
                                     struct config_result *out, struct write_answer *answer, struct faults *f);
/* Makes an earlier version the present one, as a new version. P_NOT_FOUND: there is no such version. */
MUST_CHECK enum problem config_rollback(struct service *s, struct arena *a, const struct config_write *w, uint64_t to,
                                        struct config_result *out, struct write_answer *answer, struct faults *f);
/* One definition: body NULL deletes it. w->from is the definition's own version; 0: there must be none; FROM_UNSAID: nobody said, which
 * is P_PRECONDITION where there is one. The answer: the stored definition with 201 or 200, or 204. *version: its ETag, 0 in a repeat. */
MUST_CHECK enum problem config_put(struct service *s, struct arena *a, const struct config_write *w, struct str kind, struct str code,
                                   const struct json *body, struct write_answer *answer, uint64_t *version, struct faults *f);

/* ---- tenants ---- */

struct tenant_made {
    struct tenant_row tenant;
    struct config_result config;
};
/* preset: NULL or a configuration document. The watermark is now minus its window. An existing code is P_TENANT_EXISTS.
 * Both the tenant and its first configuration, or neither. */
MUST_CHECK enum problem tenant_create(struct service *s, struct arena *a, struct str code, const struct json *preset, struct str actor,
                                      const struct write_key *key, int64_t now_ms, struct tenant_made *out, struct write_answer *answer,
                                      struct faults *f);
MUST_CHECK enum problem tenant_find(struct service *s, struct arena *a, struct str code, struct tenant_row *out, struct faults *f);
/* {"data":[…],"next_cursor"}, in the order in which they were made. */
MUST_CHECK enum problem tenants_read(struct service *s, struct arena *a, struct str cursor, size_t limit, struct str *out,
                                     struct faults *f);
MUST_CHECK enum problem tenants_all(struct service *s, struct arena *a, struct tenant_row **out, size_t *n, struct faults *f);
MUST_CHECK enum problem tenant_suspend(struct service *s, struct arena *a, const struct tenant_row *t, bool suspended, struct str actor,
                                       const struct write_key *key, int64_t now_ms, struct write_answer *answer, struct faults *f);
/* {"tenant","status","config_version","created_at"} */
void tenant_render(struct json_writer *w, const struct tenant_row *t);

#endif
