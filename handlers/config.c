/* handlers/config.c: /v1/config and all below it: one handler for every kind of definition (M4, M12). */
#include "service/config.h"

#include "base/limits.h"
#include "handlers/answering.h"
#include "handlers/handlers.h"

static struct config_write write_of(struct service *s, struct request *r, uint64_t from) {
    return (struct config_write){
        .tenant = r->who.tenant.id, .from = from, .actor = r->who.key_id, .key = optional_key(s, r), .now_ms = r->now_ms};
}

/* ---- reading ---- */

void config_show(struct service *s, struct request *r, struct response *out) {
    const struct tenant_row *t = &r->who.tenant;
    enum problem p = config_of_kind(s, r->arena, t, STR(""), &out->body, &r->faults);
    if (p == P_OK) out->etag = version_etag(r->arena, t->config_version);
    answer_with(r, p, 200, out);
}

void config_kind_list(struct service *s, struct request *r, struct response *out) {
    enum problem p = config_of_kind(s, r->arena, &r->who.tenant, r->params[0], &out->body, &r->faults);
    if (p == P_OK) out->etag = version_etag(r->arena, r->who.tenant.config_version);
    answer_with(r, p, 200, out);
}

void config_definition_show(struct service *s, struct request *r, struct response *out) {
    uint64_t version = 0;
    enum problem p = config_get(s, r->arena, &r->who.tenant, r->params[0], r->params[1], &out->body, &version, &r->faults);
    if (p == P_OK) out->etag = version_etag(r->arena, version);
    answer_with(r, p, 200, out);
}

void config_definition_history(struct service *s, struct request *r, struct response *out) {
    struct str cursor = {0};
    size_t limit;
    enum problem p = query_page(r, &limit, &cursor);
    if (p == P_OK) {
        p = config_history(s, r->arena, &r->who.tenant, r->params[0], r->params[1], cursor, limit, &out->body, &r->faults);
    }
    answer_with(r, p, 200, out);
}

void config_versions_list(struct service *s, struct request *r, struct response *out) {
    struct str cursor = {0};
    size_t limit;
    enum problem p = query_page(r, &limit, &cursor);
    if (p == P_OK) p = config_versions(s, r->arena, &r->who.tenant, cursor, limit, &out->body, &r->faults);
    answer_with(r, p, 200, out);
}

/* What a version has never changes. */
void config_version_show(struct service *s, struct request *r, struct response *out) {
    int64_t version;
    enum problem p = P_OK;
    if (!str_to_i64(r->params[0], 0, JSON_INTEGER_MAX, &version)) {
        p = fault_say(&r->faults, P_NOT_FOUND, "the versions of a configuration are numbers");
    } else {
        p = config_at(s, r->arena, r->who.tenant.id, (uint64_t)version, &out->body, &r->faults);
    }
    if (p == P_OK) out->etag = version_etag(r->arena, (uint64_t)version);
    answer_with(r, p, 200, out);
}

/* ---- the whole document ---- */

/* `version` in the body, or If-Match; both must agree (SEMANTICS 25). */
static enum problem version_made_from(struct request *r, uint64_t *from) {
    const struct json *version = json_get(&r->json, "version");
    int64_t said;
    if (version == NULL && r->if_match.n == 0)
        return fault_say(&r->faults, P_PRECONDITION, "name the version that this was made from: \"version\" in the document, or If-Match");
    if (version == NULL) return if_match_version(r, from);
    if (!json_is_integer(version, 0, JSON_INTEGER_MAX, &said))
        return fault_add(&r->faults, P_VALIDATION, STR("/version"), "must be a whole number");
    *from = (uint64_t)said;
    if (r->if_match.n == 0) return P_OK;
    uint64_t matched;
    enum problem p = if_match_version(r, &matched);
    if (p == P_OK && matched != *from) return fault_say(&r->faults, P_VERSION, "If-Match and the body name different versions");
    return p;
}

static void answer_version(struct request *r, enum problem p, const struct write_answer *answer, struct response *out) {
    answer_write(r, p, answer, out);
    struct json body;
    struct faults faults = faults_new(r->arena);
    int64_t version;
    if (p != P_OK || json_parse(r->arena, answer->body, &body, &faults) != P_OK) return;
    const struct json *v = json_get(&body, "version");
    if (v != NULL && json_is_integer(v, 0, JSON_INTEGER_MAX, &version)) out->etag = version_etag(r->arena, (uint64_t)version);
}

void config_apply_all(struct service *s, struct request *r, struct response *out) {
    uint64_t from = 0;
    struct config_result result;
    struct write_answer answer = {0};
    enum problem p = version_made_from(r, &from);
    if (p == P_OK) {
        struct config_write w = write_of(s, r, from);
        p = config_apply(s, r->arena, &w, &r->json, &result, &answer, &r->faults);
    }
    answer_version(r, p, &answer, out);
}

void config_plan_all(struct service *s, struct request *r, struct response *out) {
    uint64_t from = FROM_UNSAID; /* a plan may leave open what it was made from; what it says is judged as in an apply */
    struct config_result result;
    enum problem p = r->if_match.n > 0 ? if_match_version(r, &from) : P_OK;
    if (p == P_OK) p = config_plan(s, r->arena, r->who.tenant.id, from, &r->json, &result, &r->faults);
    if (p == P_OK) {
        struct buf b = buf_new(r->arena, SIZE_MAX); /* two configurations, each bounded */
        struct json_writer w = json_writer_of(&b);
        config_result_render(&w, &result, true);
        out->body = buf_str(&b);
    }
    answer_with(r, p, 200, out);
}

struct rollback_in {
    int64_t version;
};
static const struct field rollback_fields[] = {
    {.name = "version",
     .type = F_INTEGER,
     .required = true,
     .offset = offsetof(struct rollback_in, version),
     .present = NOT_TRACKED,
     .lo = 0,
     .hi = JSON_INTEGER_MAX,
     .doc = "The version that is to be the present one again."},
};
const struct shape rollback_shape = {.name = "Rollback",
                                     .size = sizeof(struct rollback_in),
                                     .fields = rollback_fields,
                                     .n_fields = COUNT(rollback_fields),
                                     .doc = "Which version to go back to."};

void config_roll_back(struct service *s, struct request *r, struct response *out) {
    const struct rollback_in *in = r->shaped;
    uint64_t from = 0;
    struct config_result result;
    struct write_answer answer = {0};
    enum problem p = if_match_version(r, &from);
    if (p == P_OK) {
        struct config_write w = write_of(s, r, from);
        p = config_rollback(s, r->arena, &w, (uint64_t)in->version, &result, &answer, &r->faults);
    }
    answer_version(r, p, &answer, out);
}

/* ---- one definition ---- */

/* kind and code stand in the address; in the body they may be absent, and must agree. Where they do not, the rest is judged all the same,
 * as what the address says: config_put writes nothing where there are faults. */
static enum problem complete_body(struct request *r, struct json *out) {
    static const char *const names[] = {"kind", "code"};
    if (r->json.type != JSON_OBJECT) return fault_add(&r->faults, P_VALIDATION, STR(""), "must be an object");
    struct json_member *members = NEW_ARRAY(r->arena, struct json_member, r->json.n + COUNT(names));
    uint32_t n = 0;
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct json *said = json_get(&r->json, names[i]);
        members[n++] = (struct json_member){str_of(names[i]), json_text(r->params[i])};
        if (said == NULL || (said->type == JSON_STRING && str_eq(said->string, r->params[i]))) continue;
        fault_add(&r->faults, P_VALIDATION, pointer_child(r->arena, STR(""), str_of(names[i])),
                  "must be \"" STR_FMT "\", as in the address", STR_ARG(r->params[i]));
    }
    for (uint32_t i = 0; i < r->json.n; i++) {
        if (!str_is(r->json.members[i].key, "kind") && !str_is(r->json.members[i].key, "code")) members[n++] = r->json.members[i];
    }
    *out = (struct json){.type = JSON_OBJECT, .n = n, .members = members};
    return P_OK;
}

static void put_or_delete(struct service *s, struct request *r, const struct json *body, struct response *out) {
    /* Whether If-Match is needed is judged after the Idempotency-Key: a repeat finds what its first request made. */
    uint64_t from = FROM_UNSAID, version = 0;
    struct write_answer answer = {0};
    enum problem p = r->if_match.n > 0 ? if_match_version(r, &from) : P_OK;
    if (r->if_match.n == 0 && body != NULL && str_is(r->if_none_match, "*")) from = 0; /* only where there is none */
    if (p == P_OK) {
        struct config_write w = write_of(s, r, from);
        p = config_put(s, r->arena, &w, r->params[0], r->params[1], body, &answer, &version, &r->faults);
    }
    answer_write(r, p, &answer, out);
    if (p == P_OK && version != 0 && body != NULL) out->etag = version_etag(r->arena, version);
}

void config_definition_put(struct service *s, struct request *r, struct response *out) {
    struct json body;
    if (kind_find(r->params[0]) == NULL) {
        fault_say(&r->faults, P_NOT_FOUND, "there is no kind \"" STR_FMT "\"; the kinds are " STR_FMT, STR_ARG(r->params[0]),
                  STR_ARG(kind_names(r->arena)));
        problem_answer(r, P_NOT_FOUND, out);
        return;
    }
    enum problem p = complete_body(r, &body);
    if (p != P_OK) {
        problem_answer(r, p, out);
    } else {
        put_or_delete(s, r, &body, out);
    }
}

void config_definition_delete(struct service *s, struct request *r, struct response *out) { put_or_delete(s, r, NULL, out); }
