/* service/write.h: an administrative write, exactly once by its Idempotency-Key, with its line in the audit log (SEMANTICS 8, 40; M9).
 *
 * Writes that change a member go through change.h instead: their answer is rendered from an outcome. Here the answer itself is kept,
 * without secrets: a secret is shown once, a repeat has null in its place. */
#ifndef SERVICE_WRITE_H
#define SERVICE_WRITE_H

#include "service/service.h"

/* The strong ETag of a text, in its quotes. */
struct str text_etag(struct arena *a, struct str text);

struct write_key {    /* the scope of an Idempotency-Key */
    tenant_id tenant; /* of the credential: an operator's key is one key, whatever tenant it writes about */
    struct str key_id, route, key;
    member_no member; /* of a member token, else 0 */
    struct hash16 fingerprint;
};
struct write_answer {
    int status;
    struct str body;
    bool replayed;
};

struct write {
    /* in */
    struct service *s;
    struct arena *a;
    tenant_id tenant;            /* 0: the operator's */
    bool by_operator;            /* done in a tenant: the operators' log has the line as well, its target behind the tenant's */
    const struct write_key *key; /* NULL: none was sent */
    struct str actor;            /* key id, or "command" */
    int64_t now_ms;
    /* Within the transaction, after the key: does the work and fills what is below. May run again. A problem rolls everything
     * back; *r is a database's result that is not DB_OK. */
    enum problem (*effect)(struct write *w, struct faults *f, enum db_result *r);
    void *ctx;
    /* filled by effect */
    struct str action, target; /* for the audit: "config.apply", "rule/call-completed"; action "": nothing changed, no line */
    struct str detail;         /* JSON text, "" none */
    tenant_id about;           /* of the operator's: the tenant whose own log has the line as well; 0: none */
    int status;
    struct str body;   /* the answer */
    struct str record; /* what a repeat gets, where it differs from body (a secret); "" : body */
    /* out */
    bool replayed;
};
MUST_CHECK enum problem write_once(struct write *w, struct write_answer *out, struct faults *f);

#endif
