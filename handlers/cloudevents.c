#include "handlers/cloudevents.h"

#include <string.h>

#include "base/limits.h"
#include "http/headers.h"

/* ---- which mode ---- */

enum problem event_mode_of(struct request *r, enum event_mode *out) {
    static const struct {
        const char *type;
        enum event_mode mode;
    } types[] = {{"application/cloudevents+json", MODE_STRUCTURED},
                 {"application/cloudevents-batch+json", MODE_BATCHED},
                 {"application/json", MODE_NATIVE}};
    *out = MODE_NATIVE;
    for (size_t i = 0; i < COUNT(types); i++) {
        if (media_type_is(r->content_type, types[i].type)) *out = types[i].mode;
    }
    if (r->ce.n == 0) return P_OK;
    if (*out != MODE_NATIVE)
        return fault_say(&r->faults, P_BAD_REQUEST, "header fields ce-… say binary mode, the content type says another");
    *out = MODE_BINARY;
    return P_OK;
}

/* ---- structured → native ---- */

struct native { /* the members of the object that is made */
    struct json_member members[8];
    uint32_t n;
    LIST(struct json_member) kept; /* context.metadata */
};

/* Each at most once: no object read from JSON has a key twice, and neither have those of header fields. */
static void put(struct native *n, const char *key, struct json v) {
    MUST(n->n < COUNT(n->members));
    n->members[n->n++] = (struct json_member){str_of(key), v};
}

static bool attribute_name_ok(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) return false;
    }
    return name.n > 0;
}

static struct str at(struct arena *a, struct str pointer, const char *name) { return pointer_child(a, pointer, str_of(name)); }

static void check_fixed(struct arena *a, const struct json *v, struct str pointer, struct faults *f) {
    const struct json *version = json_get(v, "specversion"), *type = json_get(v, "datacontenttype");
    bool supported = version != NULL && version->type == JSON_STRING && str_is(version->string, "1.0");
    if (!supported) fault_add(f, P_VALIDATION, at(a, pointer, "specversion"), version == NULL ? "is required" : "must be \"1.0\"");
    if (type != NULL && type->type != JSON_NULL && (type->type != JSON_STRING || !is_json_type(type->string))) {
        fault_add(f, P_VALIDATION, at(a, pointer, "datacontenttype"), "must be application/json");
    }
    if (json_get(v, "data_base64") != NULL) fault_add(f, P_VALIDATION, at(a, pointer, "data_base64"), "data must be JSON, not binary");
}

/* The subject, or the extension; where both are there they must agree. */
static void put_member(struct arena *a, const struct json *v, struct str pointer, struct native *out, struct faults *f) {
    const struct json *subject = json_get(v, "subject"), *member = json_get(v, "member");
    if (subject != NULL && member != NULL && !json_equal(subject, member)) {
        fault_add(f, P_VALIDATION, at(a, pointer, "member"), "must be the same as the subject, where both are sent");
    } else if (subject == NULL && member == NULL) {
        fault_add(f, P_VALIDATION, at(a, pointer, "subject"), "is required: it names the member");
    } else {
        put(out, "member", subject != NULL ? *subject : *member);
    }
}

static void put_attribute(struct arena *a, const struct json_member *m, struct str pointer, struct native *out, struct faults *f) {
    static const char *const same[] = {"id", "source", "type", "time", "data"};
    static const char *const handled[] = {"specversion", "subject", "member", "datacontenttype", "data_base64"};
    for (size_t i = 0; i < COUNT(same); i++) {
        if (str_is(m->key, same[i])) {
            if (m->value.type != JSON_NULL) put(out, same[i], m->value); /* an attribute that is null is absent */
            return;
        }
    }
    for (size_t i = 0; i < COUNT(handled); i++) {
        if (str_is(m->key, handled[i])) return;
    }
    bool plain = m->value.type == JSON_STRING || m->value.type == JSON_NUMBER || m->value.type == JSON_BOOL || m->value.type == JSON_NULL;
    if (!attribute_name_ok(m->key)) {
        fault_add(f, P_VALIDATION, pointer_child(a, pointer, m->key), "a CloudEvents attribute has a name of small letters and digits");
    } else if (!plain) {
        fault_add(f, P_VALIDATION, pointer_child(a, pointer, m->key), "an extension attribute is a text, a number or a boolean");
    } else if (m->value.type != JSON_NULL) {
        *LIST_PUSH(a, &out->kept) = *m;
    }
}

static void put_context(struct arena *a, struct native *out) {
    if (out->kept.n == 0) return;
    struct json_member *context = NEW(a, struct json_member);
    *context = (struct json_member){STR("metadata"), {.type = JSON_OBJECT, .n = (uint32_t)out->kept.n, .members = out->kept.items}};
    put(out, "context", (struct json){.type = JSON_OBJECT, .n = 1, .members = context});
}

bool cloudevent_to_native(struct arena *a, const struct json *v, struct str pointer, struct json *native, struct faults *f) {
    size_t before = f->list.n;
    struct native out = {.n = 0};
    if (v->type != JSON_OBJECT) {
        fault_add(f, P_VALIDATION, pointer, "a CloudEvent is an object, not %s", json_type_name(v->type));
        return false;
    }
    check_fixed(a, v, pointer, f);
    put_member(a, v, pointer, &out, f);
    for (uint32_t i = 0; i < v->n; i++) put_attribute(a, &v->members[i], pointer, &out, f);
    put_context(a, &out);
    *native = (struct json){.type = JSON_OBJECT, .n = out.n, .members = arena_copy(a, out.members, out.n * sizeof *out.members)};
    return f->list.n == before;
}

void cloudevent_pointers(const struct json *v, struct faults *f) {
    if (json_get(v, "subject") == NULL) return;
    for (size_t i = 0; i < f->list.n; i++) {
        if (str_is(f->list.items[i].pointer, "/member")) f->list.items[i].pointer = STR("/subject");
    }
}

/* ---- binary → structured ---- */

static bool has_key(const struct json_member *members, uint32_t n, struct str key) {
    for (uint32_t i = 0; i < n; i++) {
        if (str_eq(members[i].key, key)) return true;
    }
    return false;
}

enum problem cloudevent_of_headers(struct request *r, struct json *out) {
    struct json_member *members = NEW_ARRAY(r->arena, struct json_member, r->ce.n + 1);
    uint32_t n = 0;
    if (r->ce.n > CE_FIELDS_MAX)
        return fault_say(&r->faults, P_BAD_REQUEST, "an event has at most %d header fields ce-…: send it in structured mode",
                         CE_FIELDS_MAX);
    for (size_t i = 0; i < r->ce.n; i++) {
        struct str name = r->ce.items[i].name, value;
        if (str_is(name, "data"))
            return fault_say(&r->faults, P_BAD_REQUEST, "in binary mode the body is the data, no header field ce-data");
        if (has_key(members, n, name)) { /* as nginx before 1.23 passes them on */
            return fault_say(&r->faults, P_BAD_REQUEST, "the header field ce-" STR_FMT " is there twice", STR_ARG(name));
        }
        if (header_joined(r->ce.items[i].value)) {
            return fault_say(&r->faults, P_BAD_REQUEST,
                             "the header field ce-" STR_FMT " is there twice; a space of its value would be %%20", STR_ARG(name));
        }
        if (!segment_decode(r->arena, r->ce.items[i].value, &value)) {
            return fault_say(&r->faults, P_BAD_REQUEST, "the header field ce-" STR_FMT " is not percent-encoded UTF-8", STR_ARG(name));
        }
        members[n++] = (struct json_member){name, json_text(value)};
    }
    members[n++] = (struct json_member){STR("data"), r->json};
    *out = (struct json){.type = JSON_OBJECT, .n = n, .members = members};
    return P_OK;
}
