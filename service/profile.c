/* service/profile.c: a member at one glance, for profiles and dashboards. */
#include "service/copies.h"
#include "service/member_parts.h"
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

static struct str profile_text(struct arena *a, const struct member_found *m, struct str display_name, const struct member_parts *parts,
                               int64_t now_ms) {
    struct buf b = buf_new(a, SIZE_MAX); /* bounded by the definitions */
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    member_put(&w, m->external_id, m->state, display_name, now_ms);
    json_key(&w, "points");
    json_put_raw(&w, parts->currencies);
    json_key(&w, "levels");
    json_put_raw(&w, parts->levels);
    put_privileges(a, &w, m);
    json_close_object(&w);
    return buf_str(&b);
}

/* ---- the snapshot: the answer itself, after the time in which it is true ---- */

/* Of one content of the state row, with which the profile is written too, and one version of the configuration. */
static struct copy_name snapshot_name(struct service *s, struct arena *a, const struct member_found *m) {
    struct str what = str_printf(a, "profile.%llu.%llu.%u.%llu", (unsigned long long)m->no.v, (unsigned long long)m->state->version, m->sum,
                                 (unsigned long long)m->program->version);
    return copy_name_of(s, a, m->state->tenant, m->sealing_key, what);
}

static bool snapshot_find(struct service *s, struct arena *a, const struct copy_name *name, int64_t now_ms, struct str *out) {
    struct str text;
    if (!copy_find(s, a, name, &text)) return false;
    struct reader r = reader_of(text);
    int64_t from_ms = read_i64(&r), until_ms = read_i64(&r);
    *out = read_bytes(&r, r.n - r.at);
    return !r.bad && now_ms >= from_ms && now_ms < until_ms;
}

static void snapshot_keep(struct service *s, struct arena *a, const struct copy_name *name, const struct member_parts *parts,
                          struct str answer) {
    struct buf b = buf_new(a, answer.n + 2 * sizeof(int64_t));
    buf_i64(&b, parts->from_ms);
    buf_i64(&b, parts->until_ms);
    buf_add(&b, answer);
    MUST(buf_ok(&b));
    copy_keep(s, a, name, buf_str(&b));
}

enum problem member_profile(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms,
                            struct str *out, struct faults *f) {
    struct member_found m;
    struct str display_name;
    struct member_parts parts = member_parts_new();
    enum problem p = member_find(s, a, t, member, &m, f);
    if (p != P_OK) return p;
    struct copy_name name = snapshot_name(s, a, &m);
    if (snapshot_find(s, a, &name, now_ms, out)) return P_OK;
    p = member_find_whole(s, a, t, member, &m, &display_name, f); /* it may have changed by now */
    if (p == P_OK) p = service_problem(member_currencies(s, a, &m, now_ms, &parts), f);
    if (p != P_OK) return p;
    member_ladders(a, &m, &parts);
    if (m.state->zone_from_ms > now_ms && m.state->zone_from_ms < parts.until_ms) parts.until_ms = m.state->zone_from_ms;
    name = snapshot_name(s, a, &m);
    *out = profile_text(a, &m, display_name, &parts, now_ms);
    snapshot_keep(s, a, &name, &parts, *out);
    return P_OK;
}
