/* service/tokens.h: member tokens: who a token is for, and the life of the keys that tenants sign them with (DESIGN 3, M2).
 *
 * A token names its key (kid); the key's record fixes tenant and algorithm, so that nothing a token says can make it another tenant's. */
#ifndef SERVICE_TOKENS_H
#define SERVICE_TOKENS_H

#include "base/crypto/jwt.h"
#include "service/keys.h"

/* Authenticates those of the bearer texts that look like tokens, as keys_authenticate does the others, and leaves the rest alone. Key,
 * tenant and member are always read from the database: revoking the key and suspending the member end a token at once. */
void tokens_authenticate(struct service *s, struct arena *a, const struct str *bearers, size_t n, int64_t now_ms, struct credential *out,
                         enum problem *problems);

struct token_key_in {
    struct str name;
    enum jwt_algorithm algorithm;
    struct str public_key; /* PEM; for every algorithm but HS256 */
    struct str secret;     /* base64url; for HS256, "" makes one */
};
/* The answer: {"kid","name","algorithm","status","created_at","secret"}: a secret that was made here, shown once; otherwise, and in a
 * repeat, null. P_VALIDATION with /public_key or /secret. */
MUST_CHECK enum problem token_key_create(struct service *s, struct arena *a, const struct key_write *by, const struct token_key_in *in,
                                         struct write_answer *answer, struct faults *f);
/* Ends a key, and with it every token that it signed, at once. 204. P_NOT_FOUND. */
MUST_CHECK enum problem token_key_end(struct service *s, struct arena *a, const struct key_write *by, struct str kid,
                                      struct write_answer *answer, struct faults *f);
MUST_CHECK enum problem token_keys_of(struct service *s, struct arena *a, tenant_id t, struct token_key_row **out, size_t *n,
                                      struct faults *f);
/* {"data":[…],"next_cursor"}, in the order in which they were made. */
MUST_CHECK enum problem token_keys_read(struct service *s, struct arena *a, tenant_id t, struct str cursor, size_t limit, struct str *out,
                                        struct faults *f);
void token_key_render(struct json_writer *w, const struct token_key_row *k); /* the same members, without "secret" */

#endif
