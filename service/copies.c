#include "service/copies.h"

#include "service/inside.h"

struct copy_name copy_name_of(struct service *s, struct arena *a, tenant_id t, const uint8_t *sealing_key, struct str what) {
    return (struct copy_name){
        .key = str_printf(a, "accolade:%d:%u:" STR_FMT, COPY_FORMAT, t.v, STR_ARG(what)),
        .sealing_key = sealing_key != NULL ? sealing_key : s->copies.b,
    };
}

bool copies_are_kept(const struct service *s) { return cache_is_usable(s->cache); }

bool copy_find(struct service *s, struct arena *a, const struct copy_name *name, struct str *out) {
    struct str sealed;
    return cache_get(s->cache, a, name->key, &sealed) && crypto_open(a, name->sealing_key, name->key, sealed, out);
}

void copy_keep(struct service *s, struct arena *a, const struct copy_name *name, struct str text) {
    MUST(!db_in_transaction(s->db));
    if (!copies_are_kept(s) || text.n > CACHE_VALUE_MAX - SEAL_OVERHEAD) return;
    cache_put(s->cache, name->key, crypto_seal(a, name->sealing_key, name->key, text), COPY_LIFE_S);
}
