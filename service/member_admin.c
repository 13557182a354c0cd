/* service/member_admin.c: what an administrator does to a member: type, attributes, groups, zone, suspension, erasure (SEMANTICS 35, 39).
 */
#include <string.h>

#include "service/change.h"
#include "service/inside.h"
#include "service/member_parts.h"
#include "service/needs.h"
#include "sql/directory.h"

struct admin { /* one change of a member */
    const struct member_match *match;
    const struct member_set *set;
    enum member_how how;
    uint16_t zone_no;
    enum member_status status;
    struct profile_row row; /* as it will be */
    struct str answer;
};

/* ---- what the change was made from ---- */

static struct str member_text(const struct change *c, struct str display_name) {
    struct buf b = buf_new(c->a, SIZE_MAX); /* bounded by the profile */
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    member_put(&w, c->external_id, c->state, display_name, c->now_ms);
    json_close_object(&w);
    return buf_str(&b);
}

/* Loads the profile. Under the member's lock: what matches now is still so when the change is written. */
static enum problem open_profile(struct change *c, struct faults *f) {
    struct admin *admin = c->ctx;
    const struct member_match *match = admin->match;
    enum db_result r = profile_load(c->s, c->a, c->ref, c->state, &admin->row);
    if (r != DB_OK) return service_problem(r, f);
    if (match == NULL) return P_OK;
    if (c->state->version == 0) return member_unknown(f, c->external_id);
    struct str etag = text_etag(c->a, member_text(c, admin->row.display_name));
    bool same = match->any;
    for (size_t i = 0; i < match->n; i++) same = same || str_eq(match->etags[i], etag);
    return same ? P_OK : fault_say(f, P_VERSION, "the member has the ETag " STR_FMT " by now", STR_ARG(etag));
}

/* ---- what a member may have ---- */

static size_t check_codes(struct arena *a, const struct json *codes, struct str pointer, struct faults *f) {
    if (codes->type != JSON_ARRAY) {
        fault_add(f, P_VALIDATION, pointer, "must be an array of codes");
        return 0;
    }
    for (uint32_t i = 0; i < codes->n && codes->n <= GROUPS_PER_MEMBER_MAX; i++) { /* a longer list is refused as a whole */
        const struct json *code = &codes->items[i];
        bool twice = false;
        for (uint32_t j = 0; j < i; j++) twice = twice || json_equal(&codes->items[j], code);
        if (twice) fault_add(f, P_VALIDATION, pointer_index(a, pointer, i), "stands in the list twice");
        if (code->type == JSON_STRING && code_is_valid(code->string)) continue;
        fault_add(f, P_VALIDATION, pointer_index(a, pointer, i), "must be the code of a group");
    }
    return codes->n;
}

bool member_groups_are_valid(struct arena *a, const struct json *groups, bool nulls, struct str pointer, struct faults *f) {
    size_t n = 0, before = f->list.n + f->more;
    if (groups->type != JSON_OBJECT) {
        fault_add(f, P_VALIDATION, pointer, "must be an object of kinds, each with the codes of its groups");
        return false;
    }
    for (uint32_t i = 0; i < groups->n && n <= GROUPS_PER_MEMBER_MAX; i++) {
        const struct json_member *kind = &groups->members[i];
        struct str at = pointer_child(a, pointer, kind->key);
        if (!code_is_valid(kind->key)) fault_add(f, P_VALIDATION, at, "the kind of a group is a code");
        if (!nulls || kind->value.type != JSON_NULL) n += check_codes(a, &kind->value, at, f);
    }
    if (n > GROUPS_PER_MEMBER_MAX) fault_add(f, P_VALIDATION, pointer, "a member is in at most %d groups", (int)GROUPS_PER_MEMBER_MAX);
    return f->list.n + f->more == before;
}

/* JSON Merge Patch (RFC 7396). */
static struct json merged(struct arena *a, const struct json *target, const struct json *patch) {
    if (patch->type != JSON_OBJECT) return *patch;
    uint32_t n_target = target != NULL && target->type == JSON_OBJECT ? target->n : 0, n = 0;
    struct json_member *members = NEW_ARRAY(a, struct json_member, n_target + patch->n);
    for (uint32_t i = 0; i < n_target; i++) {
        const struct json_member *m = &target->members[i];
        const struct json *change = json_find(patch, m->key);
        if (change != NULL && change->type == JSON_NULL) continue;
        members[n++] = (struct json_member){m->key, change != NULL ? merged(a, &m->value, change) : m->value};
    }
    for (uint32_t i = 0; i < patch->n; i++) {
        const struct json_member *m = &patch->members[i];
        if (m->value.type == JSON_NULL || (n_target > 0 && json_find(target, m->key) != NULL)) continue;
        members[n++] = (struct json_member){m->key, merged(a, NULL, &m->value)};
    }
    return (struct json){.type = JSON_OBJECT, .n = n, .members = members};
}

/* ---- set ---- */

/* A changed zone counts from the next midnight of the old one, at most once a day; a new member has no old one. */
static enum problem set_zone(struct change *c, uint16_t zone_no, struct str name, struct faults *f) {
    struct member_state *s = c->state;
    struct zone_ref member_zone = {.of = ZONE_MEMBER};
    const struct zone *zone = zone_no != 0 ? zone_find(name) : NULL, *now_in = zone_at(c->program, s, &member_zone, c->now_ms);
    bool changed = s->zone_from_ms > 0;
    uint16_t present = changed ? s->next_zone_no : s->zone_no;
    if (present == zone_no) return P_OK;
    if (s->zone_from_ms > c->now_ms) {
        struct str from = time_text(c->a, s->zone_from_ms);
        return fault_add(f, P_VALIDATION, STR("/zone"), "the zone was changed today already; it can be changed again after " STR_FMT,
                         STR_ARG(from));
    }
    s->cold_dirty = true;
    if (s->version == 0) {
        s->zone_no = zone_no;
        s->zone = zone;
        return P_OK;
    }
    s->zone = changed ? s->next_zone : s->zone;
    s->zone_no = present;
    s->next_zone = zone;
    s->next_zone_no = zone_no;
    s->zone_from_ms = period_end(now_in, PERIOD_DAY, c->now_ms);
    return P_OK;
}

/* An object as it will be, and its text: "" where it is empty. */
static struct str set_object(struct change *c, bool given, const struct json *v, const struct json **now) {
    const struct admin *admin = c->ctx;
    if (given && admin->how == MEMBER_MERGE && v != NULL) {
        struct json *whole = NEW(c->a, struct json);
        *whole = merged(c->a, *now, v);
        *now = whole;
    } else if (given) {
        *now = v;
    }
    return *now == NULL || (*now)->n == 0 ? STR("") : json_to_text(c->a, *now);
}

static enum problem set_profile(struct change *c, struct faults *f) {
    struct admin *admin = c->ctx;
    const struct member_set *set = admin->set;
    if (set->has_display_name) admin->row.display_name = set->display_name;
    admin->row.attributes = set_object(c, set->has_attributes, set->attributes, &c->state->attributes);
    admin->row.groups = set_object(c, set->has_groups, set->groups, &c->state->groups);
    if (set->has_attributes && admin->row.attributes.n > ATTRIBUTES_BYTES_MAX) {
        fault_add(f, P_VALIDATION, STR("/attributes"), "attributes have at most %d bytes, written compactly; these have %zu",
                  (int)ATTRIBUTES_BYTES_MAX, admin->row.attributes.n);
    }
    if (set->has_groups && c->state->groups != NULL) member_groups_are_valid(c->a, c->state->groups, false, STR("/groups"), f);
    return f->list.n > 0 ? f->list.items[0].problem : P_OK;
}

static struct str fields_text(struct arena *a, const struct member_set *set) {
    const struct {
        bool given;
        const char *name;
    } fields[] = {{set->has_type, "type"},
                  {set->has_display_name, "display_name"},
                  {set->has_zone, "zone"},
                  {set->has_attributes, "attributes"},
                  {set->has_groups, "groups"}};
    struct buf b = buf_new(a, 256);
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "fields");
    json_open_array(&w);
    for (size_t i = 0; i < COUNT(fields); i++) {
        if (fields[i].given) json_put_z(&w, fields[i].name);
    }
    json_close_array(&w);
    json_close_object(&w);
    return buf_str(&b);
}

static enum problem decide_set(struct change *c, struct faults *f) {
    struct admin *admin = c->ctx;
    const struct member_set *set = admin->set;
    bool is_new = c->state->version == 0;
    if (!is_new && admin->how == MEMBER_CREATE) return P_MEMBER_EXISTS;
    enum problem p = open_profile(c, f);
    if (p != P_OK) return p;
    c->status = is_new ? 201 : 200;
    c->action = is_new ? STR("member.create") : STR("member.set");
    c->detail = fields_text(c->a, set);
    if (set->has_type) {
        c->state->type = set->type;
        c->state->cold_dirty = true;
    }
    p = set_profile(c, f);
    if (p == P_OK && set->has_zone) p = set_zone(c, admin->zone_no, set->zone, f);
    return p == P_OK ? settle_note(c->program, c->state, &c->env, c->a, &c->outcome, f) : p;
}

static enum db_result write_groups(struct change *c) {
    LIST(struct group_ref) groups = {0};
    const struct json *all = c->state->groups;
    for (uint32_t i = 0; all != NULL && i < all->n; i++) {
        const struct json *codes = &all->members[i].value;
        for (uint32_t j = 0; j < codes->n; j++) *LIST_PUSH(c->a, &groups) = (struct group_ref){all->members[i].key, codes->items[j].string};
    }
    return member_groups_write(c->s->db, c->a, c->ref, groups.items, groups.n);
}

/* The answer is read back before it is given, so that a repeat, which is read from where it was sealed, has the same bytes. */
static void render(struct change *c) {
    struct admin *admin = c->ctx;
    struct json *answer = NEW(c->a, struct json);
    struct faults faults = faults_new(c->a);
    MUST(json_parse(c->a, member_text(c, admin->row.display_name), answer, &faults) == P_OK);
    admin->answer = json_to_text(c->a, answer);
    if (c->key != NULL) c->sealed = (struct sealed){.data = answer};
}

/* The copies that lists filter by are written with the state that they are copied from. */
static enum db_result write_profile(struct change *c) {
    struct admin *admin = c->ctx;
    admin->row.type = c->state->type;
    admin->row.status = c->state->status;
    enum db_result r = profile_write(c->s->db, c->a, &admin->row);
    if (r == DB_OK && admin->set != NULL && admin->set->has_groups) r = write_groups(c);
    if (r == DB_OK) render(c);
    return r;
}

/* The number of a zone, given now where it has none, and by itself, so that whoever needs another zone's number does not wait for this
 * member's transaction. A write that is refused after this leaves a number that nobody uses yet; there are never more of them than zones.
 */
static enum problem zone_number(struct service *s, struct arena *a, tenant_id t, struct str name, uint16_t *no, struct faults *f) {
    *no = 0;
    if (name.n == 0) return P_OK;
    if (zone_find(name) == NULL) return fault_add(f, P_VALIDATION, STR("/zone"), "there is no time zone \"" STR_FMT "\"", STR_ARG(name));
    for (int try = 0; try < 3; try++) {
        struct code_number *codes;
        size_t n;
        enum db_result r = codes_read(s->db, a, t, &codes, &n);
        if (r != DB_OK) return service_problem(r, f);
        struct code_number made = {.kind = CODE_ZONE, .no = 1, .code = name};
        for (size_t i = 0; i < n; i++) {
            if (codes[i].kind != CODE_ZONE) continue;
            if (str_eq(codes[i].code, name)) {
                *no = codes[i].no;
                return P_OK;
            }
            if (codes[i].no >= made.no) made.no = (uint16_t)(codes[i].no + 1);
        }
        r = codes_insert(s->db, a, t, &made, 1);
        if (r != DB_OK && r != DB_CONFLICT) return service_problem(r, f);
    }
    return service_problem(DB_BUSY, f);
}

/* The change of a member by somebody, and its answer: of a repeat what was sealed the first time. */
static enum problem administer(struct change *c, const struct member_by *by, struct write_answer *out, struct faults *f) {
    struct admin *admin = c->ctx;
    c->key = by->key;
    c->actor = by->actor;
    c->now_ms = by->now_ms;
    admin->match = by->match;
    enum problem p = change_member(c, f);
    if (p != P_OK) return p;
    if (c->replayed && c->status != 204) {
        if (c->sealed.data == NULL) return P_INTERNAL;
        admin->answer = json_to_text(c->a, c->sealed.data);
    }
    *out = (struct write_answer){.status = c->status, .body = admin->answer, .replayed = c->replayed};
    return P_OK;
}

enum problem member_write(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, enum member_how how,
                          const struct member_set *given, const struct member_by *by, struct write_answer *out, struct faults *f) {
    if (!public_id_is_valid(member)) return fault_add(f, P_VALIDATION, STR("/member"), "is not a valid member id");
    struct member_set set = *given;
    if (how == MEMBER_REPLACE || how == MEMBER_CREATE) {
        set.has_type = set.has_display_name = set.has_zone = set.has_attributes = set.has_groups = true;
    }
    if (set.has_groups && set.groups != NULL && !member_groups_are_valid(a, set.groups, how == MEMBER_MERGE, STR("/groups"), f))
        return P_VALIDATION;
    struct admin admin = {.set = &set, .how = how};
    enum problem p = set.has_zone ? zone_number(s, a, t->id, set.zone, &admin.zone_no, f) : P_OK;
    if (p != P_OK) return p;
    bool create = how != MEMBER_MERGE && by->match == NULL; /* what is not there matches nothing, and no key is made for it */
    struct change c = {.s = s, .a = a, .tenant = t, .external_id = member, .create = create, .status = 200};
    c.decide = decide_set;
    c.also = write_profile;
    c.ctx = &admin;
    p = administer(&c, by, out, f);
    if (p != P_MEMBER_NOT_FOUND || how == MEMBER_MERGE || by->match == NULL) return p;
    *f = faults_new(a);
    return fault_say(f, P_VERSION, "there is no such member");
}

/* ---- suspend, restore, erase ---- */

static enum problem set_status(struct change *c, struct faults *f) {
    c->state->status = ((const struct admin *)c->ctx)->status;
    c->state->cold_dirty = true;
    return settle_note(c->program, c->state, &c->env, c->a, &c->outcome, f);
}

static enum problem decide_status(struct change *c, struct faults *f) {
    enum problem p = open_profile(c, f);
    return p == P_OK ? set_status(c, f) : p;
}

enum problem member_suspend(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, bool suspended,
                            const struct member_by *by, struct write_answer *out, struct faults *f) {
    struct admin admin = {.status = suspended ? MEMBER_SUSPENDED : MEMBER_ACTIVE};
    struct change c = {
        .s = s, .a = a, .tenant = t, .external_id = member, .status = 200, .decide = decide_status, .also = write_profile, .ctx = &admin};
    c.action = suspended ? STR("member.suspend") : STR("member.restore");
    return administer(&c, by, out, f);
}

static enum problem decide_erase(struct change *c, struct faults *f) {
    enum problem p = ((const struct admin *)c->ctx)->match != NULL ? open_profile(c, f) : P_OK;
    if (p != P_OK) return p;
    c->state->type = STR("");
    c->state->zone_no = c->state->next_zone_no = 0;
    c->state->zone_from_ms = 0;
    return set_status(c, f);
}

/* Under the member's lock: after this nobody can tell whose the numbers were. */
static enum db_result forget(struct change *c) {
    enum db_result r = member_erase_rows(c->s->db, c->a, c->ref);
    return r == DB_OK ? member_key_erase(c->s->db, c->a, c->ref.tenant, c->ref.member) : r;
}

enum problem member_erase(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, const struct member_by *by,
                          struct write_answer *out, struct faults *f) {
    struct admin admin = {.status = MEMBER_ERASED};
    struct change c = {.s = s,
                       .a = a,
                       .tenant = t,
                       .external_id = member,
                       .bare_key = true,
                       .status = 204,
                       .decide = decide_erase,
                       .also = forget,
                       .ctx = &admin};
    c.action = STR("member.erase");
    return administer(&c, by, out, f);
}
