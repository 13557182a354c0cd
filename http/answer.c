/* http/answer.c: problems, and every answer as it goes to the web server. */
#include "base/json.h"
#include "http/headers.h"
#include "http/route.h"

static void put_faults(struct json_writer *w, struct arena *a, struct str prefix, const struct faults *f) {
    json_key(w, "errors");
    json_open_array(w);
    for (size_t i = 0; i < f->list.n; i++) {
        const struct fault *fault = &f->list.items[i];
        json_open_object(w);
        json_key(w, "pointer");
        json_put_str(w, str_printf(a, STR_FMT STR_FMT, STR_ARG(prefix), STR_ARG(fault->pointer)));
        json_key(w, "detail");
        json_put_str(w, fault->detail);
        json_key(w, "code");
        json_put_z(w, problem_row(fault->problem)->code);
        json_close_object(w);
    }
    json_close_array(w);
    if (f->more > 0) {
        json_key(w, "more_errors");
        json_put_i64(w, (int64_t)f->more);
    }
}

/* A detail is always there: the title says it where nobody had more to say. */
static void put_problem(struct json_writer *w, struct request *r, struct str prefix, enum problem p, const struct faults *f) {
    const struct problem_row *row = problem_row(p);
    json_open_object(w);
    json_key(w, "type");
    json_put_str(w, str_printf(r->arena, "/problems/%s", row->code));
    json_key(w, "title");
    json_put_z(w, row->title);
    json_key(w, "status");
    json_put_i64(w, row->status);
    json_key(w, "code");
    json_put_z(w, row->code);
    json_key(w, "detail");
    json_put_str(w, f->detail.n > 0 ? f->detail : str_of(row->title));
    put_faults(w, r->arena, prefix, f);
    json_key(w, "request_id");
    json_put_str(w, r->request_id);
    if (f->extra.n > 0) {
        buf_c(w->out, ',');
        buf_add(w->out, f->extra);
    }
}

void problem_answer(struct request *r, enum problem p, struct response *out) {
    struct buf b = buf_new(r->arena, SIZE_MAX);
    struct json_writer w = json_writer_of(&b);
    MUST(p != P_OK);
    put_problem(&w, r, STR(""), p, &r->faults);
    json_close_object(&w);
    MUST(buf_ok(&b));
    *out = (struct response){
        .status = problem_row(p)->status,
        .body = buf_str(&b),
        .content_type = "application/problem+json",
        .retry_after = r->faults.retry_after,
        .allow = out->allow,
        .problem = p,
    };
}

struct str problem_item(struct request *r, size_t index, enum problem p, const struct faults *f) {
    struct buf b = buf_new(r->arena, SIZE_MAX);
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "status");
    json_put_z(&w, "rejected");
    json_key(&w, "problem");
    put_problem(&w, r, pointer_index(r->arena, STR(""), index), p, f);
    if (f->retry_after > 0) { /* an item has no header fields */
        json_key(&w, "retry_after");
        json_put_i64(&w, f->retry_after);
    }
    json_close_object(&w);
    json_close_object(&w);
    MUST(buf_ok(&b));
    return buf_str(&b);
}

/* The web server's status line is made of these words; a status line without any would not be HTTP. */
static const char *reason_phrase(int status) {
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < COUNT(phrases); i++) {
        if (phrases[i].status == status) return phrases[i].phrase;
    }
    NEVER("a status without its words");
}

/* RateLimit-Policy and RateLimit, as lists of Structured Fields (draft-ietf-httpapi-ratelimit-headers-10). The names are our own words:
 * nothing in them needs quoting. */
static void put_rates(struct buf *b, const struct rates_told *told) {
    for (size_t i = 0; i < told->n; i++) {
        const struct rate_told *t = &told->items[i];
        buf_f(b, "%s\"%s\";q=%lld;w=%lld", i == 0 ? "RateLimit-Policy: " : ", ", t->name, (long long)t->count, (long long)t->period_s);
    }
    for (size_t i = 0; i < told->n; i++) {
        const struct rate_told *t = &told->items[i];
        buf_f(b, "%s\"%s\";r=%lld;t=%lld", i == 0 ? "\r\nRateLimit: " : ", ", t->name, (long long)t->remaining, (long long)t->full_s);
    }
    if (told->n > 0) buf_z(b, "\r\n");
}

/* A personal answer is never kept by a cache on the way; who asked may keep one that has an ETag, and asks again each time. */
struct str response_text(const struct request *r, const struct response *out) {
    struct buf b = buf_new(r->arena, SIZE_MAX);
    buf_f(&b, "Status: %d %s\r\n", out->status, reason_phrase(out->status));
    if (out->status != 204 && out->status != 304) { /* which have neither body nor what describes one */
        buf_f(&b, "Content-Type: %s\r\n", out->content_type != NULL ? out->content_type : "application/json");
        buf_f(&b, "Content-Length: %zu\r\n", out->body.n);
    }
    buf_f(&b, "X-Request-Id: " STR_FMT "\r\n", STR_ARG(r->request_id));
    bool kept = r->route != NULL && r->route->etag != ETAG_NONE && out->etag.n > 0; /* another key's answer is another one */
    buf_z(&b, kept ? "Cache-Control: private, no-cache\r\nVary: Authorization\r\n" : "Cache-Control: no-store\r\n");
    buf_z(&b, "X-Content-Type-Options: nosniff\r\n");
    if (out->status == 401) buf_z(&b, "WWW-Authenticate: Bearer\r\n");
    if (out->etag.n > 0) buf_f(&b, "ETag: " STR_FMT "\r\n", STR_ARG(out->etag));
    if (out->allow.n > 0) buf_f(&b, "Allow: " STR_FMT "\r\n", STR_ARG(out->allow));
    if (out->status == 415 && !is_plain(r->content_encoding)) buf_z(&b, "Accept-Encoding: identity\r\n"); /* RFC 9110, 15.5.16 */
    put_rates(&b, &r->rates);
    if (out->retry_after > 0) buf_f(&b, "Retry-After: %lld\r\n", (long long)out->retry_after);
    if (out->replayed) buf_z(&b, "Idempotency-Replayed: true\r\n");
    buf_z(&b, "\r\n");
    buf_add(&b, out->body);
    MUST(buf_ok(&b));
    return buf_str(&b);
}
