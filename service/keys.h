/* service/keys.h: who a credential is: API keys, scopes, their life (DESIGN 3, SEMANTICS 32). */
#ifndef SERVICE_KEYS_H
#define SERVICE_KEYS_H

#include "service/write.h"

enum scope {
    SCOPE_EVENTS_WRITE = 1 << 0,
    SCOPE_MEMBERS_READ = 1 << 1,
    SCOPE_MEMBERS_WRITE = 1 << 2,
    SCOPE_LEDGER_WRITE = 1 << 3,
    SCOPE_CONFIG_READ = 1 << 4,
    SCOPE_CONFIG_WRITE = 1 << 5,
    SCOPE_REWARDS_WRITE = 1 << 6,
    SCOPE_ANALYTICS_READ = 1 << 7,
    SCOPE_PUBLIC = 1 << 8,
    SCOPE_SELF = 1 << 9,
    SCOPE_OPERATOR = 1 << 10,
    SCOPES_TENANT = 0xff, /* what "all" gives a tenant's key */
    SCOPE_NONE = 0,       /* routes of the process: no credential */
};
const char *scope_name(enum scope one);
MUST_CHECK bool scopes_parse(struct str text, uint32_t *out); /* "events:write,members:read" or "all" */
struct str scopes_text(struct arena *a, uint32_t scopes);     /* the same form, for people */
void scopes_put(struct json_writer *w, uint32_t scopes);      /* a list */

struct credential {
    struct str key_id; /* of a member token: the kid of its key */
    uint32_t scopes;
    struct tenant_row tenant; /* id 0: operator */
    member_no member;         /* of a member token, else 0 */
    struct str member_id;     /* the tenant's own id of that member: what `me` stands for */
    const char *why;          /* why a token that the tenant did sign is refused; else NULL */
};

/* Authenticates the bearer texts of a set: one front statement for all keys (max_age_ms > 0 allows records that old), and one for the
 * keys of all member tokens (service/tokens.h). For each i: problems[i] is P_OK and out[i] filled, or P_UNAUTHENTICATED, P_SUSPENDED, or
 * what the database's failure means for all. An unknown key costs the same hash and comparison as a known one. */
void keys_authenticate(struct service *s, struct arena *a, const struct str *bearers, size_t n, int64_t max_age_ms, int64_t now_ms,
                       struct credential *out, enum problem *problems);

/* ---- the life of a key: each an administrative write with its line in the audit log. tenant 0: an operator's key ---- */

struct key_write { /* who writes */
    tenant_id tenant;
    struct str actor;
    const struct write_key *key; /* the Idempotency-Key, NULL: none */
    int64_t now_ms;
};
/* The answer: what key_render gives and "key": the key's text, shown once; a repeat has null there.
 * P_VALIDATION with /expires_at where that is over. */
MUST_CHECK enum problem key_create(struct service *s, struct arena *a, const struct key_write *w, struct str name, uint32_t scopes,
                                   int64_t expires_at, struct write_answer *answer, struct faults *f);
/* A second secret for the same key id; the former stays valid for the overlap. The same answer. P_NOT_FOUND, also for a revoked key. */
MUST_CHECK enum problem key_rotate_secret(struct service *s, struct arena *a, const struct key_write *w, struct str key_id,
                                          int64_t overlap_ms, struct write_answer *answer, struct faults *f);
/* Ends a key: writes at once, reads with the age that keys_authenticate allows. 204. */
MUST_CHECK enum problem key_end(struct service *s, struct arena *a, const struct key_write *w, struct str key_id,
                                struct write_answer *answer, struct faults *f);
MUST_CHECK enum problem keys_of(struct service *s, struct arena *a, tenant_id t, struct key_row **out, size_t *n, struct faults *f);
/* {"data":[…],"next_cursor"}, in the order in which they were made. */
MUST_CHECK enum problem keys_read(struct service *s, struct arena *a, tenant_id t, struct str cursor, size_t limit, int64_t now_ms,
                                  struct str *out, struct faults *f);
/* {"key_id","name","status","scopes","created_at","expires_at","former_until"}: until when a former secret is valid, else null */
void key_render(struct json_writer *w, const struct key_row *k, int64_t now_ms);
const char *key_status(const struct key_row *k, int64_t now_ms); /* valid, rotating, expired, revoked */

#endif
