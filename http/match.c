/* http/match.c: from the raw request URI to the row of the route table. */
#include <string.h>

#include "base/ids.h"
#include "base/limits.h"
#include "http/route.h"

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool segment_decode(struct arena *a, struct str raw, struct str *out) {
    char *text = arena_alloc(a, raw.n);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == '%') {
            int high = i + 2 < raw.n ? hex_digit(raw.p[i + 1]) : -1, low = i + 2 < raw.n ? hex_digit(raw.p[i + 2]) : -1;
            if (high < 0 || low < 0) return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0') return false;
        text[n++] = c;
    }
    *out = (struct str){text, n};
    return str_is_utf8(*out);
}

/* ---- one pattern ---- */

static bool is_param(struct str segment) { return segment.n > 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}'; }

enum { SEGMENTS_MAX = 16 };

struct path {
    struct str segments[SEGMENTS_MAX]; /* of "/a/b": a, b */
    size_t n;
};

static bool path_split(struct str text, struct path *out) {
    struct str rest = text, before = str_cut(&rest, '/');
    out->n = 0;
    if (before.n > 0) return false;
    while (rest.p != NULL) {
        if (out->n == SEGMENTS_MAX) return false;
        out->segments[out->n++] = str_cut(&rest, '/');
    }
    return out->n > 0;
}

static bool fits(const struct route *route, const struct path *path) {
    struct path pattern;
    if (!path_split(str_of(route->pattern), &pattern) || pattern.n != path->n) return false;
    for (size_t i = 0; i < pattern.n; i++) {
        bool same = is_param(pattern.segments[i]) ? path->segments[i].n > 0 : str_eq(pattern.segments[i], path->segments[i]);
        if (!same) return false;
    }
    return true;
}

/* false: a parameter that is no public id names nothing that can exist. */
static bool take_params(const struct route *route, const struct path *path, struct request *r) {
    struct path pattern;
    size_t n = 0;
    if (!path_split(str_of(route->pattern), &pattern)) return false;
    for (size_t i = 0; i < pattern.n; i++) {
        if (!is_param(pattern.segments[i])) continue;
        if (!public_id_is_valid(path->segments[i])) return false;
        r->params[n++] = path->segments[i];
    }
    return true;
}

/* ---- the table ---- */

static struct str allow_text(struct arena *a, unsigned methods) {
    struct buf b = buf_new(a, 64);
    for (unsigned m = METHOD_GET; m <= METHOD_DELETE; m <<= 1) {
        if ((methods & m) == 0) continue;
        if (b.n > 0) buf_z(&b, ", ");
        buf_z(&b, method_name((enum method)m));
        if (m == METHOD_GET) buf_z(&b, ", HEAD");
    }
    MUST(buf_ok(&b));
    return buf_str(&b);
}

enum problem route_match(const struct route_table *table, struct request *r, struct str *allow) {
    struct str rest = r->uri;
    struct path path;
    unsigned others = 0;
    if (r->uri.n > URI_BYTES_MAX) {
        return fault_say(&r->faults, P_URI_TOO_LONG, "path and query have at most %d bytes", (int)URI_BYTES_MAX);
    }
    r->path = str_cut(&rest, '?');
    r->query = rest;
    if (!path_split(r->path, &path)) return P_NOT_FOUND;
    for (size_t i = 0; i < path.n; i++) {
        if (segment_decode(r->arena, path.segments[i], &path.segments[i])) continue;
        return fault_say(&r->faults, P_BAD_REQUEST, "the path is not percent-encoded UTF-8 without NUL");
    }
    for (size_t i = 0; i < table->n; i++) {
        const struct route *route = &table->rows[i];
        if (route->admin != r->admin_listener || !fits(route, &path)) continue;
        if (route->method != r->method) {
            others |= route->method;
            continue;
        }
        r->route = route;
        if (take_params(route, &path, r)) return P_OK;
        return fault_say(&r->faults, P_NOT_FOUND, "an id in the path is not one that can exist");
    }
    if (others == 0) return P_NOT_FOUND;
    *allow = allow_text(r->arena, others);
    return fault_say(&r->faults, P_METHOD, "this address takes " STR_FMT, STR_ARG(*allow));
}

/* ---- the check of the table itself ---- */

static bool is_snake_case(const char *z) {
    for (const char *c = z; *c; c++) {
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || (*c == '_' && c > z))) return false;
    }
    return *z >= 'a' && *z <= 'z';
}

static const char *pattern_fault(const struct route *row) {
    struct path path;
    size_t n = 0;
    if (!path_split(str_of(row->pattern), &path)) return "a pattern begins with '/' and has few segments";
    for (size_t i = 0; i < path.n; i++) {
        if (path.segments[i].n == 0) return "a pattern has no empty segment";
        if (is_param(path.segments[i])) n++;
    }
    return n > PARAMS_MAX ? "a pattern has too many parameters" : NULL;
}

static const char *row_fault(const struct route *row) {
    bool takes_body = row->method == METHOD_POST || row->method == METHOD_PUT || row->method == METHOD_PATCH;
    bool one_scope = row->scope != SCOPE_NONE && (row->scope & (row->scope - 1)) == 0;
    if (!is_snake_case(row->name)) return "a name is in snake_case";
    if (pattern_fault(row) != NULL) return pattern_fault(row);
    if (!one_scope && !row->admin) return "a route has exactly one scope";
    if (one_scope && row->admin) return "routes of the process have no scope";
    if (!takes_body && row->body_max > 0) return "only POST, PUT and PATCH have a body";
    if (row->merge_patch && row->method != METHOD_PATCH) return "a merge patch is sent by PATCH";
    if (row->body_max > BODY_BYTES_MAX) return "a body is no larger than what the transport reads";
    if (row->body != NULL && row->body_max == 0) return "a shape needs a body";
    if (row->body_optional && row->body == NULL) return "only a body with a shape can be absent";
    if (row->self && !str_starts(str_of(row->pattern), "/v1/members/{member}")) return "what is a token's own is below its member";
    if (row->etag != ETAG_NONE && row->method != METHOD_GET) return "what is compared by its ETag is read";
    if (row->if_match != ETAG_NONE && row->method == METHOD_GET) return "what is read is compared by its own ETag";
    if (row->if_match == ETAG_BODY) return "If-Match never names a weak ETag";
    if (row->write && row->method == METHOD_GET) return "GET never writes";
    if (row->glance && (row->method != METHOD_GET || !str_starts(str_of(row->pattern), "/v1/members/{member}") || row->handle == NULL))
        return "a glance is a GET of a member";
    if (row->glance && row->operators_too) return "a glance is of a tenant's member";
    if (!row->write && row->method != METHOD_GET && row->method != METHOD_POST) return "PUT, PATCH and DELETE write";
    if ((row->handle != NULL) == (row->collect != NULL)) return "a route has either a handler or collects";
    if ((row->collect != NULL) != (row->answer != NULL)) return "what is collected is answered";
    if ((row->rate == RATE_NONE) != row->admin) return "a route has a rate limit, one of the process has none";
    if (row->rate == RATE_SELF) return "a member's own limit counts besides the one that a row names";
    if ((row->collect != NULL) != (row->rate == RATE_EVENTS)) return "what is collected counts as events";
    if ((row->method == METHOD_GET) != (row->rate == RATE_READS) && !row->admin) return "GET counts as a read, and nothing else does";
    if (!row->write && row->idempotency != IDEMPOTENCY_NONE) return "a read takes no Idempotency-Key";
    if (row->collect != NULL && row->idempotency != IDEMPOTENCY_NONE) return "events have an identity of their own";
    bool required = row->idempotency == IDEMPOTENCY_REQUIRED, has_to = row->method == METHOD_POST && row->write && row->collect == NULL;
    return required != has_to ? "every POST that writes needs an Idempotency-Key, but for events" : NULL; /* SEMANTICS 40 */
}

/* Whether some path could fit both and the first row would take what is meant for the second: it may not, but for a literal that stands
 * before a parameter, as in /config/versions and /config/{kind}. */
static bool takes_from(const struct route *first, const struct route *second) {
    struct path x, y;
    if (first->method != second->method || !path_split(str_of(first->pattern), &x) || !path_split(str_of(second->pattern), &y) ||
        x.n != y.n)
        return false;
    bool narrower = false;
    for (size_t i = 0; i < x.n; i++) {
        bool wide_x = is_param(x.segments[i]), wide_y = is_param(y.segments[i]);
        if (!wide_x && !wide_y && !str_eq(x.segments[i], y.segments[i])) return false;
        if (wide_x && !wide_y) return true;
        narrower = narrower || (!wide_x && wide_y);
    }
    return !narrower;
}

bool routes_check(const struct route_table *table, const char **why) {
    *why = NULL;
    for (size_t i = 0; i < table->n && *why == NULL; i++) {
        *why = row_fault(&table->rows[i]);
        for (size_t j = 0; j < i && *why == NULL; j++) {
            if (strcmp(table->rows[i].name, table->rows[j].name) == 0) *why = "a name is given once";
            if (takes_from(&table->rows[j], &table->rows[i])) *why = "no route takes the address and method of a later one";
        }
    }
    return *why == NULL;
}
