/* handlers/people.c: members as resources: /v1/members and /v1/members/{member}, their suspension, profile and events, and the members of
 * a group. */
#include "service/people.h"

#include "base/ids.h"
#include "base/limits.h"
#include "handlers/answering.h"
#include "handlers/handlers.h"
#include "http/headers.h"

/* ---- what is sent of a member ---- */

struct member_in {
    struct str member; /* of a new one; else it stands in the path */
    struct member_set set;
};

/* null stands for "", what is not there: so what was read can be sent back. */
static bool is_text(struct shape_reading *r, const struct json *v, struct str pointer, struct str *into) {
    if (v->type == JSON_NULL) return false;
    if (v->type == JSON_STRING) {
        *into = v->string;
        return true;
    }
    fault_add(r->faults, P_VALIDATION, pointer, "must be a string or null, not %s", json_type_name(v->type));
    return false;
}

static void read_type(struct shape_reading *r, const struct json *v, struct str pointer, void *into) {
    struct str *type = into;
    if (!is_text(r, v, pointer, type) || code_is_valid(*type)) return;
    fault_add(r->faults, P_VALIDATION, pointer, "must be a code, or null");
}

static void read_name(struct shape_reading *r, const struct json *v, struct str pointer, void *into) {
    struct str *name = into;
    if (!is_text(r, v, pointer, name)) return;
    if (name->n < 1 || name->n > NAME_BYTES_MAX) {
        fault_add(r->faults, P_VALIDATION, pointer, "must have 1 to %d bytes; it has %zu", (int)NAME_BYTES_MAX, name->n);
    } else if (str_has_control(*name)) {
        fault_add(r->faults, P_VALIDATION, pointer, "must have no control characters");
    }
}

static void read_zone(struct shape_reading *r, const struct json *v, struct str pointer, void *into) {
    struct str *zone = into;
    if (!is_text(r, v, pointer, zone) || zone_find(*zone) != NULL) return;
    fault_add(r->faults, P_VALIDATION, pointer, "must be the name of a time zone, such as Europe/Berlin, or null");
}

static void read_attributes(struct shape_reading *r, const struct json *v, struct str pointer, void *into) {
    if (v->type == JSON_NULL) return;
    size_t n = json_to_text(r->arena, v).n;
    if (v->type != JSON_OBJECT) {
        fault_add(r->faults, P_VALIDATION, pointer, "must be an object or null");
    } else if (n > ATTRIBUTES_BYTES_MAX) {
        fault_add(r->faults, P_VALIDATION, pointer, "must have at most %d bytes, written compactly; it has %zu", (int)ATTRIBUTES_BYTES_MAX,
                  n);
    } else {
        *(const struct json **)into = v;
    }
}

static void check_groups(struct shape_reading *r, const struct json *v, bool nulls, struct str pointer, void *into) {
    if (v->type != JSON_NULL && member_groups_are_valid(r->arena, v, nulls, pointer, r->faults)) *(const struct json **)into = v;
}

static void read_groups(struct shape_reading *r, const struct json *v, struct str pointer, void *into) {
    check_groups(r, v, false, pointer, into);
}
static void read_group_changes(struct shape_reading *r, const struct json *v, struct str pointer, void *into) {
    check_groups(r, v, true, pointer, into);
}

#define MEMBER_FIELD(of, reader, says_schema, says)                                                                                        \
    {                                                                                                                                      \
        .name = #of, .type = F_CUSTOM, .offset = offsetof(struct member_in, set.of), .present = offsetof(struct member_in, set.has_##of),  \
        .read = reader, .schema = says_schema, .doc = says                                                                                 \
    }
#define SCHEMA_CODES                                                                                                                       \
    "{\"type\":\"array\",\"uniqueItems\":true,\"items\":{\"type\":\"string\",\"pattern\":\"^[0-9A-Za-z][0-9A-Za-z._:-]{0,63}$\"}}"
#define MEMBER_FIELDS(groups_reader, groups_schema)                                                                                        \
    MEMBER_FIELD(type, read_type, "{\"type\":[\"string\",\"null\"],\"pattern\":\"^[0-9A-Za-z][0-9A-Za-z._:-]{0,63}$\"}",                   \
                 "What kind of member it is, for audiences."),                                                                             \
        MEMBER_FIELD(display_name, read_name, "{\"type\":[\"string\",\"null\"],\"minLength\":1,\"maxLength\":200}",                        \
                     "As it is shown to people."),                                                                                         \
        MEMBER_FIELD(zone, read_zone, "{\"type\":[\"string\",\"null\"],\"minLength\":1,\"maxLength\":64}",                                 \
                     "The member's time zone; null: the tenant's. A changed one counts from the next midnight of the former."),            \
        MEMBER_FIELD(attributes, read_attributes, "{\"type\":[\"object\",\"null\"]}",                                                      \
                     "What conditions can use as member.attributes; at most 8 KiB, written compactly."),                                   \
        MEMBER_FIELD(groups, groups_reader, "{\"type\":[\"object\",\"null\"],\"additionalProperties\":" groups_schema "}",                 \
                     "The groups that the member is in, by kind: {\"team\":[\"red\"]}; at most 64.")

static const struct field new_fields[] = {
    {.name = "member",
     .type = F_PUBLIC_ID,
     .required = true,
     .offset = offsetof(struct member_in, member),
     .present = NOT_TRACKED,
     .doc = "The tenant's own id of the member."},
    MEMBER_FIELDS(read_groups, SCHEMA_CODES),
};
const struct shape member_new_shape = {.name = "NewMember",
                                       .size = sizeof(struct member_in),
                                       .fields = new_fields,
                                       .n_fields = COUNT(new_fields),
                                       .doc = "A member to be made. What is absent or null is not set."};

static const struct field whole_fields[] = {MEMBER_FIELDS(read_groups, SCHEMA_CODES)};
const struct shape member_whole_shape = {.name = "WholeMember",
                                         .size = sizeof(struct member_in),
                                         .fields = whole_fields,
                                         .n_fields = COUNT(whole_fields),
                                         .doc = "All that is to be kept of a member: what is absent or null is removed."};

static const struct field patch_fields[] = {MEMBER_FIELDS(read_group_changes, "{\"oneOf\":[{\"type\":\"null\"}," SCHEMA_CODES "]}")};
const struct shape member_patch_shape = {
    .name = "MemberPatch",
    .size = sizeof(struct member_in),
    .fields = patch_fields,
    .n_fields = COUNT(patch_fields),
    .doc = "Changes of a member (RFC 7396): what is absent stays, null removes; attributes and groups are merged member by member."};

/* ---- writing ---- */

/* If-Match, which the request's row has found well formed; a weak tag matches nothing. */
static const struct member_match *match_of(struct request *r) {
    LIST(struct str) etags = {0};
    struct str rest = r->if_match;
    struct etag tag;
    if (rest.n == 0) return NULL;
    while (etag_next(&rest, &tag)) {
        if (!tag.weak) *LIST_PUSH(r->arena, &etags) = tag.text;
    }
    struct member_match *match = NEW(r->arena, struct member_match);
    *match = (struct member_match){.any = rest.n > 0, .etags = etags.items, .n = etags.n};
    return match;
}

static struct member_by by(struct service *s, struct request *r) {
    return (struct member_by){.actor = r->who.key_id, .key = optional_key(s, r), .now_ms = r->now_ms, .match = match_of(r)};
}

static void write_member(struct service *s, struct request *r, struct str member, enum member_how how, struct response *out) {
    const struct member_in *in = r->shaped;
    struct member_by who = by(s, r);
    struct write_answer answer = {0};
    enum problem p = member_write(s, r->arena, &r->who.tenant, member, how, &in->set, &who, &answer, &r->faults);
    answer_write(r, p, &answer, out);
    if (p == P_OK && how != MEMBER_CREATE) out->etag = text_etag(r->arena, answer.body); /* that of a GET which finds it so */
}

void member_post(struct service *s, struct request *r, struct response *out) {
    write_member(s, r, ((const struct member_in *)r->shaped)->member, MEMBER_CREATE, out);
}
void member_put_whole(struct service *s, struct request *r, struct response *out) { write_member(s, r, r->params[0], MEMBER_REPLACE, out); }
void member_patch(struct service *s, struct request *r, struct response *out) { write_member(s, r, r->params[0], MEMBER_MERGE, out); }

static void set_suspended(struct service *s, struct request *r, bool suspended, struct response *out) {
    struct member_by who = by(s, r);
    struct write_answer answer = {0};
    enum problem p = member_suspend(s, r->arena, &r->who.tenant, r->params[0], suspended, &who, &answer, &r->faults);
    answer_write(r, p, &answer, out);
}

void member_suspend_post(struct service *s, struct request *r, struct response *out) { set_suspended(s, r, true, out); }
void member_restore_post(struct service *s, struct request *r, struct response *out) { set_suspended(s, r, false, out); }

void member_delete(struct service *s, struct request *r, struct response *out) {
    struct member_by who = by(s, r);
    struct write_answer answer = {0};
    enum problem p = member_erase(s, r->arena, &r->who.tenant, r->params[0], &who, &answer, &r->faults);
    answer_write(r, p, &answer, out);
}

/* ---- reading ---- */

void member_show_get(struct service *s, struct request *r, struct response *out) {
    answer_with(r, member_get(s, r->arena, &r->who.tenant, r->params[0], r->now_ms, &out->body, &r->faults), 200, out);
}

void profile_get(struct service *s, struct request *r, struct response *out) {
    answer_with(r, member_profile(s, r->arena, &r->who.tenant, r->params[0], r->now_ms, &out->body, &r->faults), 200, out);
}

void member_events_list(struct service *s, struct request *r, struct response *out) {
    struct str cursor = {0};
    size_t limit;
    enum problem p = query_page(r, &limit, &cursor);
    if (p == P_OK) p = member_events(s, r->arena, &r->who.tenant, r->params[0], limit, cursor, &out->body, &r->faults);
    answer_with(r, p, 200, out);
}

const char *const members_params[] = {"search", "type", "status", "attribute", "group", "limit", "cursor", NULL};

/* "attribute" is a path and a value with a colon between, "group" a kind and a code with a slash: neither can stand in the first part. */
static enum problem read_pairs(struct request *r, struct member_query *q) {
    struct str text;
    if (query_get(r, "attribute", &text)) {
        q->attribute = str_cut(&text, ':');
        q->value = text;
        if (q->attribute.n == 0 || text.p == NULL) return query_wrong(r, "attribute", "a name and a value, such as city:Berlin");
    }
    if (query_get(r, "group", &text)) {
        q->kind = str_cut(&text, '/');
        q->code = text;
        if (!code_is_valid(q->kind) || !code_is_valid(q->code)) return query_wrong(r, "group", "a kind and a code, such as team/red");
    }
    return P_OK;
}

static enum problem read_filters(struct request *r, struct member_query *q) {
    struct str status;
    if (query_get(r, "search", &q->search) && (q->search.n < 1 || q->search.n > ID_BYTES_MAX))
        return query_wrong(r, "search", "1 to 128 bytes long");
    static_assert(ID_BYTES_MAX == 128, "the text above says it");
    if (query_get(r, "type", &q->type) && !code_is_valid(q->type)) return query_wrong(r, "type", "the code of a member type");
    q->has_status = query_get(r, "status", &status);
    if (q->has_status && !str_is(status, "active") && !str_is(status, "suspended")) return query_wrong(r, "status", "active or suspended");
    q->status = q->has_status && str_is(status, "suspended") ? MEMBER_SUSPENDED : MEMBER_ACTIVE;
    return read_pairs(r, q);
}

static void list(struct service *s, struct request *r, struct member_query *q, enum problem p, struct response *out) {
    q->now_ms = r->now_ms;
    if (p == P_OK) p = query_page(r, &q->limit, &q->cursor);
    if (p == P_OK) p = member_list(s, r->arena, &r->who.tenant, q, &out->body, &r->faults);
    answer_with(r, p, 200, out);
}

void members_list(struct service *s, struct request *r, struct response *out) {
    struct member_query q = {0};
    list(s, r, &q, read_filters(r, &q), out);
}

void group_members_list(struct service *s, struct request *r, struct response *out) {
    struct member_query q = {.kind = r->params[0], .code = r->params[1]};
    bool possible = code_is_valid(q.kind) && code_is_valid(q.code);
    list(s, r, &q, possible ? P_OK : fault_say(&r->faults, P_NOT_FOUND, "a group has a kind and a code"), out);
}
