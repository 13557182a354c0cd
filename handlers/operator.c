/* handlers/operator.c: /v1/tenants and their keys, for the operator (issue of keys, suspension), and the audit logs (M9). */
#include "base/limits.h"
#include "handlers/answering.h"
#include "handlers/handlers.h"
#include "service/audit.h"
#include "service/config.h"
#include "service/presets.h"

enum { OVERLAP_S_MAX = 90 * 86400, OVERLAP_S_DEFAULT = 86400 };

static enum problem tenant_named(struct service *s, struct request *r, struct tenant_row *t) {
    return tenant_find(s, r->arena, r->params[0], t, &r->faults);
}

/* ---- tenants ---- */

struct tenant_in {
    struct str tenant, preset;
    const struct json *config;
};
static void check_source(struct shape_reading *r, const void *filled, struct str pointer) {
    const struct tenant_in *in = filled;
    if (in->preset.n > 0 && in->config != NULL) {
        fault_add(r->faults, P_VALIDATION, pointer_child(r->arena, pointer, STR("config")),
                  "comes from a preset or from here, not from both");
    }
}
static const struct field tenant_fields[] = {
    {.name = "tenant",
     .type = F_CODE,
     .required = true,
     .offset = offsetof(struct tenant_in, tenant),
     .present = NOT_TRACKED,
     .doc = "The tenant's code, unique in the installation."},
    {.name = "preset",
     .type = F_CODE,
     .offset = offsetof(struct tenant_in, preset),
     .present = NOT_TRACKED,
     .doc = "A preset of the installation as the first configuration."},
    {.name = "config",
     .type = F_JSON_OBJECT,
     .offset = offsetof(struct tenant_in, config),
     .present = NOT_TRACKED,
     .hi = CONFIG_BYTES_MAX,
     .doc = "A configuration document as the first one."},
};
const struct shape tenant_shape = {.name = "NewTenant",
                                   .size = sizeof(struct tenant_in),
                                   .fields = tenant_fields,
                                   .n_fields = COUNT(tenant_fields),
                                   .doc = "A tenant to be made.",
                                   .check = check_source};

/* What is wrong with the configuration is told by its place in this body. */
static void own_pointers(struct request *r) {
    for (size_t i = 0; i < r->faults.list.n; i++) {
        struct str *pointer = &r->faults.list.items[i].pointer;
        if (str_is(*pointer, "/tenant") || str_is(*pointer, "/preset")) continue;
        *pointer = str_printf(r->arena, "/config" STR_FMT, STR_ARG(*pointer));
    }
}

void tenant_post(struct service *s, struct request *r, struct response *out) {
    const struct tenant_in *in = r->shaped;
    const struct json *document = in->config;
    struct json preset;
    struct tenant_made made;
    struct write_answer answer = {0};
    struct write_key key = request_write_key(s, r);
    enum problem p = P_OK;
    if (in->preset.n > 0) {
        p = preset_load(s, r->arena, in->preset, &preset, &r->faults);
        document = &preset;
    }
    if (p == P_OK) p = tenant_create(s, r->arena, in->tenant, document, r->who.key_id, &key, r->now_ms, &made, &answer, &r->faults);
    own_pointers(r);
    answer_write(r, p, &answer, out);
}

void tenants_list(struct service *s, struct request *r, struct response *out) {
    struct str cursor = {0};
    size_t limit;
    enum problem p = query_page(r, &limit, &cursor);
    if (p == P_OK) p = tenants_read(s, r->arena, cursor, limit, &out->body, &r->faults);
    answer_with(r, p, 200, out);
}

void tenant_show(struct service *s, struct request *r, struct response *out) {
    struct tenant_row t;
    enum problem p = tenant_named(s, r, &t);
    if (p == P_OK) {
        struct buf b = buf_new(r->arena, SMALL_BODY_MAX);
        struct json_writer w = json_writer_of(&b);
        tenant_render(&w, &t);
        MUST(buf_ok(&b));
        out->body = buf_str(&b);
    }
    answer_with(r, p, 200, out);
}

static void set_suspended(struct service *s, struct request *r, bool suspended, struct response *out) {
    struct tenant_row t;
    struct write_answer answer = {0};
    struct write_key key = request_write_key(s, r);
    enum problem p = tenant_named(s, r, &t);
    if (p == P_OK) p = tenant_suspend(s, r->arena, &t, suspended, r->who.key_id, &key, r->now_ms, &answer, &r->faults);
    answer_write(r, p, &answer, out);
}

void tenant_suspend_post(struct service *s, struct request *r, struct response *out) { set_suspended(s, r, true, out); }
void tenant_restore_post(struct service *s, struct request *r, struct response *out) { set_suspended(s, r, false, out); }

/* ---- keys ---- */

struct key_in {
    struct str name;
    struct shape_list scopes;
    int64_t expires_at;
};
static const struct field key_fields[] = {
    {.name = "name",
     .type = F_STRING,
     .required = true,
     .offset = offsetof(struct key_in, name),
     .present = NOT_TRACKED,
     .lo = 1,
     .hi = NAME_BYTES_MAX,
     .doc = "What the key is for."},
    {.name = "scopes",
     .type = F_CODES,
     .required = true,
     .offset = offsetof(struct key_in, scopes),
     .present = NOT_TRACKED,
     .lo = 1,
     .hi = 16,
     .doc = "What the key may do: events:write, members:read and so on, or all."},
    {.name = "expires_at",
     .type = F_TIME,
     .offset = offsetof(struct key_in, expires_at),
     .present = NOT_TRACKED,
     .doc = "When it ends; absent: never."},
};
const struct shape key_shape = {
    .name = "NewKey", .size = sizeof(struct key_in), .fields = key_fields, .n_fields = COUNT(key_fields), .doc = "An API key to be made."};

static enum problem read_scopes(struct request *r, const struct key_in *in, uint32_t *scopes) {
    const struct str *names = in->scopes.items;
    *scopes = 0;
    for (size_t i = 0; i < in->scopes.n; i++) {
        uint32_t one;
        if (!scopes_parse(names[i], &one)) {
            fault_add(&r->faults, P_VALIDATION, pointer_index(r->arena, STR("/scopes"), i),
                      "is no scope of a tenant's key: take all, or some of " STR_FMT,
                      STR_ARG(scopes_text(r->arena, SCOPES_TENANT | SCOPE_PUBLIC)));
        } else {
            *scopes |= one;
        }
    }
    return r->faults.list.n > 0 ? P_VALIDATION : P_OK;
}

static struct key_write writer(const struct request *r, const struct tenant_row *t, const struct write_key *key) {
    return (struct key_write){.tenant = t->id, .actor = r->who.key_id, .key = key, .now_ms = r->now_ms};
}

void key_post(struct service *s, struct request *r, struct response *out) {
    const struct key_in *in = r->shaped;
    uint32_t scopes;
    struct tenant_row t;
    struct write_answer answer = {0};
    struct write_key key = request_write_key(s, r);
    enum problem p = read_scopes(r, in, &scopes);
    if (p == P_OK) p = tenant_named(s, r, &t);
    if (p == P_OK) {
        struct key_write w = writer(r, &t, &key);
        p = key_create(s, r->arena, &w, in->name, scopes, in->expires_at, &answer, &r->faults);
    }
    answer_write(r, p, &answer, out);
}

void keys_list(struct service *s, struct request *r, struct response *out) {
    struct tenant_row t;
    struct str cursor = {0};
    size_t limit;
    enum problem p = query_page(r, &limit, &cursor);
    if (p == P_OK) p = tenant_named(s, r, &t);
    if (p == P_OK) p = keys_read(s, r->arena, t.id, cursor, limit, r->now_ms, &out->body, &r->faults);
    answer_with(r, p, 200, out);
}

struct rotation_in {
    int64_t overlap_s;
};
static const struct field rotation_fields[] = {
    {.name = "overlap_s",
     .type = F_INTEGER,
     .offset = offsetof(struct rotation_in, overlap_s),
     .present = NOT_TRACKED,
     .hi = OVERLAP_S_MAX,
     .dflt = OVERLAP_S_DEFAULT,
     .doc = "Seconds for which the former secret stays valid."},
};
const struct shape rotation_shape = {.name = "Rotation",
                                     .size = sizeof(struct rotation_in),
                                     .fields = rotation_fields,
                                     .n_fields = COUNT(rotation_fields),
                                     .doc = "How a key's secret is replaced."};

void key_rotate_post(struct service *s, struct request *r, struct response *out) {
    const struct rotation_in *in = r->shaped;
    struct tenant_row t;
    struct write_answer answer = {0};
    struct write_key key = request_write_key(s, r);
    enum problem p = tenant_named(s, r, &t);
    if (p == P_OK) {
        struct key_write w = writer(r, &t, &key);
        p = key_rotate_secret(s, r->arena, &w, r->params[1], in->overlap_s * MS_SECOND, &answer, &r->faults);
    }
    answer_write(r, p, &answer, out);
}

void key_delete(struct service *s, struct request *r, struct response *out) {
    struct tenant_row t;
    struct write_answer answer = {0};
    enum problem p = tenant_named(s, r, &t);
    if (p == P_OK) {
        struct key_write w = writer(r, &t, optional_key(s, r));
        p = key_end(s, r->arena, &w, r->params[1], &answer, &r->faults);
    }
    answer_write(r, p, &answer, out);
}

/* ---- audit ---- */

/* Of the credential's own tenant; an operator's key sees what operators did. */
void audit_list(struct service *s, struct request *r, struct response *out) {
    struct str cursor = {0};
    size_t limit;
    enum problem p = query_page(r, &limit, &cursor);
    bool members = (r->who.scopes & SCOPE_MEMBERS_READ) != 0;
    if (p == P_OK) p = audit_read(s, r->arena, r->who.tenant.id, members, cursor, limit, &out->body, &r->faults);
    answer_with(r, p, 200, out);
}
