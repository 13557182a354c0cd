/* service/profile.c: a member at one glance, for profiles and dashboards. */
#include "service/member_parts.h"
#include "service/needs.h"
#include "service/people.h"

static bool is_new(const struct str *privileges, size_t n, struct str privilege) {
    for (size_t i = 0; i < n; i++) {
        if (str_eq(privileges[i], privilege)) return false;
    }
    return true;
}

/* Of all levels reached on all ladders, each once. */
static void put_privileges(struct arena *a, struct json_writer *w, const struct member_found *m) {
    LIST(struct str) seen = {0};
    json_key(w, "privileges");
    json_open_array(w);
    for (size_t i = 0; i < m->program->n_ladders; i++) {
        const struct ladder *l = &m->program->ladders[i];
        size_t reached = ladder_index(l, state_earned(m->state, l->currency->no));
        for (size_t level = 0; level <= reached; level++) {
            for (size_t k = 0; k < l->levels[level].n_privileges; k++) {
                struct str privilege = l->levels[level].privileges[k];
                if (!is_new(seen.items, seen.n, privilege)) continue;
                *LIST_PUSH(a, &seen) = privilege;
                json_put_str(w, privilege);
            }
        }
    }
    json_close_array(w);
}

enum problem member_profile(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms,
                            struct str *out, struct faults *f) {
    struct member_found m;
    struct profile_row profile;
    enum problem p = member_find(s, a, t, member, &m, f);
    if (p == P_OK) p = service_problem(profile_load(s, a, (struct member_ref){t->id, m.no}, m.state, &profile), f);
    if (p != P_OK) return p;
    struct buf b = buf_new(a, SIZE_MAX); /* bounded by the definitions */
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    member_put(&w, member, m.state, profile.display_name, now_ms);
    json_key(&w, "points");
    p = service_problem(member_put_currencies(s, a, &w, &m, now_ms), f);
    json_key(&w, "levels");
    member_put_ladders(a, &w, &m);
    put_privileges(a, &w, &m);
    json_close_object(&w);
    *out = buf_str(&b);
    return p;
}
