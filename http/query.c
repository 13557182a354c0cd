#include "http/request.h"
#include "http/route.h"

static bool is_one_of(struct str name, const char *const *names) {
    for (; names != NULL && *names != NULL; names++) {
        if (str_is(name, *names)) return true;
    }
    return false;
}

static enum problem unknown(struct request *r, struct str name, const char *const *names) {
    struct buf known = buf_new(r->arena, 256);
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) buf_f(&known, "%s%s", i == 0 ? "; known are: " : ", ", names[i]);
    MUST(buf_ok(&known));
    return fault_say(&r->faults, P_BAD_REQUEST, "the query parameter \"%.64s\" is unknown here" STR_FMT, str_z(r->arena, name),
                     STR_ARG(buf_str(&known)));
}

enum problem query_check(struct request *r, const char *const *names) {
    struct str rest = r->query;
    while (rest.n > 0) {
        struct str value = str_cut(&rest, '&'), name = str_cut(&value, '='), seen;
        struct query_param p;
        if (name.n == 0 && value.n == 0) continue; /* "a=1&" */
        if (!segment_decode(r->arena, name, &p.name) || !segment_decode(r->arena, value, &p.value)) {
            return fault_say(&r->faults, P_BAD_REQUEST, "the query is not percent-encoded UTF-8 without NUL");
        }
        if (!is_one_of(p.name, names)) return unknown(r, p.name, names);
        if (query_get(r, str_z(r->arena, p.name), &seen)) {
            return fault_say(&r->faults, P_BAD_REQUEST, "the query parameter " STR_FMT " is given twice", STR_ARG(p.name));
        }
        MUST(r->n_query_params < QUERY_PARAMS_MAX); /* no route has more names */
        r->query_params[r->n_query_params++] = p;
    }
    return P_OK;
}

bool query_get(const struct request *r, const char *name, struct str *out) {
    for (size_t i = 0; i < r->n_query_params; i++) {
        if (!str_is(r->query_params[i].name, name)) continue;
        *out = r->query_params[i].value;
        return true;
    }
    return false;
}
