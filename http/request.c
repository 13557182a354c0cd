#include "http/request.h"

#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"

enum { REQUEST_ID_BYTES_MAX = 64, TRACEPARENT_BYTES = 55 };

static const struct {
    enum method method;
    const char *name;
} methods[] = {
    {METHOD_GET, "GET"}, {METHOD_POST, "POST"}, {METHOD_PUT, "PUT"}, {METHOD_PATCH, "PATCH"}, {METHOD_DELETE, "DELETE"},
};

const char *method_name(enum method m) {
    for (size_t i = 0; i < COUNT(methods); i++) {
        if (methods[i].method == m) return methods[i].name;
    }
    return "?";
}

/* HEAD is a GET whose body the web server leaves out. */
static enum method method_of(struct str name) {
    for (size_t i = 0; i < COUNT(methods); i++) {
        if (str_is(name, methods[i].name)) return methods[i].method;
    }
    return str_is(name, "HEAD") ? METHOD_GET : 0;
}

static const struct {
    const char *name;
    size_t offset; /* of a struct str in struct request */
} texts[] = {
    {"REQUEST_URI", offsetof(struct request, uri)},
    {"CONTENT_TYPE", offsetof(struct request, content_type)},
    {"HTTP_CONTENT_ENCODING", offsetof(struct request, content_encoding)},
    {"HTTP_AUTHORIZATION", offsetof(struct request, authorization)},
    {"HTTP_IDEMPOTENCY_KEY", offsetof(struct request, idempotency_key)},
    {"HTTP_IF_MATCH", offsetof(struct request, if_match)},
    {"HTTP_IF_NONE_MATCH", offsetof(struct request, if_none_match)},
    {"HTTP_TRACEPARENT", offsetof(struct request, traceparent)},
    {"REQUEST_ID", offsetof(struct request, request_id)},
};

static void ce_param(struct request *r, struct str name, struct str value) {
    if (r->ce.n > CE_FIELDS_MAX) return; /* one too many tells: cloudevent_of_headers refuses it */
    char *small = arena_copy(r->arena, name.p, name.n);
    for (size_t i = 0; i < name.n; i++) small[i] = small[i] >= 'A' && small[i] <= 'Z' ? (char)(small[i] - 'A' + 'a') : small[i];
    *LIST_PUSH(r->arena, &r->ce) = (struct ce_field){{small, name.n}, str_copy(r->arena, value)};
}

void request_param(struct request *r, struct str name, struct str value) {
    static const struct str ce = {"HTTP_CE_", 8};
    if (str_is(name, "HTTP_IDEMPOTENCY_KEY")) r->n_keys++;
    if (str_is(name, "HTTP_CONTENT_TYPE")) r->n_types++;
    if (str_is(name, "HTTP_IF_MATCH")) r->n_matches++;
    if (name.n > ce.n && str_starts(name, ce.p)) {
        ce_param(r, (struct str){name.p + ce.n, name.n - ce.n}, value);
    } else if (str_is(name, "REQUEST_METHOD")) {
        r->method = method_of(value);
    } else if (str_is(name, "ACCOLADE_LISTENER")) {
        r->admin_listener = str_is(value, "admin");
    } else {
        for (size_t i = 0; i < COUNT(texts); i++) {
            if (str_is(name, texts[i].name)) *(struct str *)((char *)r + texts[i].offset) = str_copy(r->arena, value);
        }
    }
}

static bool is_request_id(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool fits = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
        if (!fits) return false;
    }
    return s.n >= 1 && s.n <= REQUEST_ID_BYTES_MAX;
}

static bool is_lower_hex(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (strchr("0123456789abcdef", s.p[i]) == NULL || s.p[i] == '\0') return false;
    }
    return true;
}

static bool is_zero(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '0') return false;
    }
    return true;
}

/* version-trace id-parent id-flags (W3C Trace Context); a later version may have more behind these, after a '-'. */
static bool is_traceparent(struct str s) {
    if (s.n < TRACEPARENT_BYTES) return false;
    struct str rest = s, version = str_cut(&rest, '-'), trace = str_cut(&rest, '-'), parent = str_cut(&rest, '-'),
               flags = str_cut(&rest, '-');
    if (version.n != 2 || trace.n != 32 || parent.n != 16 || flags.n != 2) return false;
    if (!is_lower_hex(version) || !is_lower_hex(trace) || !is_lower_hex(parent) || !is_lower_hex(flags)) return false;
    return !str_is(version, "ff") && !is_zero(trace) && !is_zero(parent) && (s.n == TRACEPARENT_BYTES || !is_zero(version));
}

void request_ready(struct request *r) {
    if (!is_request_id(r->request_id)) r->request_id = uuid_text(r->arena, uuid_new(clock_now_ms()));
    r->traceparent = is_traceparent(r->traceparent) ? (struct str){r->traceparent.p, TRACEPARENT_BYTES} : STR("");
}
