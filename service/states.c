/* service/states.c: what a loaded state row needs from elsewhere before the engine can use it. */
#include "service/inside.h"

static struct str code_in(const struct code_number *codes, size_t n, uint16_t no) {
    for (size_t i = 0; i < n; i++) {
        if (codes[i].kind == CODE_ZONE && codes[i].no == no) return codes[i].code;
    }
    return (struct str){0};
}

/* NULL: the tenant's zone. */
static enum db_result zone_numbered(struct service *s, struct arena *a, const struct program *p, uint16_t no, const struct zone **out) {
    *out = NULL;
    if (no == 0) return DB_OK;
    struct str name = program_code(p, CODE_ZONE, no);
    if (name.n == 0) {
        struct code_number *codes;
        size_t n;
        enum db_result r = codes_read(s->db, a, p->tenant, &codes, &n);
        if (r != DB_OK) return r;
        name = code_in(codes, n, no);
    }
    *out = zone_find(name);
    return DB_OK;
}

enum db_result state_zones(struct service *s, struct arena *a, struct member_state *state, const struct program *p) {
    enum db_result r = zone_numbered(s, a, p, state->zone_no, &state->zone);
    return r == DB_OK ? zone_numbered(s, a, p, state->next_zone_no, &state->next_zone) : r;
}

static bool parse_object(struct arena *a, struct str text, const struct json **out) {
    *out = NULL;
    if (text.n == 0) return true;
    struct json *v = NEW(a, struct json);
    struct faults faults = faults_new(a);
    if (json_parse(a, text, v, &faults) != P_OK || v->type != JSON_OBJECT) return false;
    *out = v;
    return true;
}

bool profile_parse(struct arena *a, const struct profile_row *row, struct member_state *s) {
    return parse_object(a, row->attributes, &s->attributes) && parse_object(a, row->groups, &s->groups);
}
