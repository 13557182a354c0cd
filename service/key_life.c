/* service/key_life.c: keys made, rotated, revoked (M2). A secret is in no row and no log: only its hash is kept. */
#include <string.h>

#include "service/inside.h"
#include "service/keys.h"
#include "service/paging.h"

enum { KEY_ANSWER_MAX = 4096 };

static bool is_ended(const struct key_row *k, int64_t now_ms) {
    return k->revoked_at != 0 || (k->expires_at != 0 && k->expires_at <= now_ms);
}
static bool is_rotating(const struct key_row *k, int64_t now_ms) {
    return !is_ended(k, now_ms) && k->has_former && k->former_until > now_ms;
}

const char *key_status(const struct key_row *k, int64_t now_ms) {
    if (is_ended(k, now_ms)) return k->revoked_at != 0 ? "revoked" : "expired";
    return is_rotating(k, now_ms) ? "rotating" : "valid";
}

static void put_members(struct json_writer *w, const struct key_row *k, int64_t now_ms) {
    json_key(w, "key_id");
    json_put_str(w, k->key_id);
    json_key(w, "name");
    json_put_str(w, k->name);
    json_key(w, "status");
    json_put_z(w, key_status(k, now_ms));
    json_key(w, "scopes");
    scopes_put(w, k->scopes);
    json_key(w, "created_at");
    json_put_time(w, k->created_at);
    json_key(w, "expires_at");
    if (k->expires_at != 0) {
        json_put_time(w, k->expires_at);
    } else {
        json_put_null(w);
    }
    json_key(w, "former_until");
    if (is_rotating(k, now_ms)) {
        json_put_time(w, k->former_until);
    } else {
        json_put_null(w);
    }
}

void key_render(struct json_writer *w, const struct key_row *k, int64_t now_ms) {
    json_open_object(w);
    put_members(w, k, now_ms);
    json_close_object(w);
}

/* token "" : what a repeat sees. */
static struct str made_text(struct arena *a, const struct key_row *k, int64_t now_ms, struct str token) {
    struct buf b = buf_new(a, KEY_ANSWER_MAX);
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    put_members(&w, k, now_ms);
    json_key(&w, "key");
    json_put_text(&w, token);
    json_close_object(&w);
    MUST(buf_ok(&b));
    return buf_str(&b);
}

static struct str make_secret(struct service *s, struct arena *a, struct str key_id, uint8_t hash[32]) {
    char *secret = arena_alloc(a, API_SECRET_CHARS);
    base62_random(secret, API_SECRET_CHARS);
    struct str text = {secret, API_SECRET_CHARS};
    crypto_sha256(text, hash);
    return api_token_text(a, str_of(s->settings.env), key_id, text);
}

static void fill(struct write *w, int status, const char *action, const struct key_row *k, struct str token) {
    w->status = status;
    w->body = made_text(w->a, k, w->now_ms, token);
    w->record = made_text(w->a, k, w->now_ms, STR(""));
    w->action = str_of(action);
    w->target = str_printf(w->a, "key/" STR_FMT, STR_ARG(k->key_id));
    w->detail = w->record;
}

static struct write write_of(struct service *s, struct arena *a, const struct key_write *in) {
    return (struct write){
        .s = s, .a = a, .tenant = in->tenant, .by_operator = true, .key = in->key, .actor = in->actor, .now_ms = in->now_ms};
}

/* ---- create ---- */

static enum problem create_effect(struct write *w, struct faults *f, enum db_result *r) {
    struct key_row *row = w->ctx;
    if (row->expires_at != 0 && row->expires_at <= w->now_ms) /* here, not before: a repeat may come when the key has ended */
        return fault_add(f, P_VALIDATION, STR("/expires_at"), "must be a time to come");
    char *key_id = arena_alloc(w->a, API_KEY_ID_CHARS);
    base62_random(key_id, API_KEY_ID_CHARS);
    row->key_id = (struct str){key_id, API_KEY_ID_CHARS};
    struct str token = make_secret(w->s, w->a, row->key_id, row->secret_hash);
    *r = key_insert(w->s->db, w->a, row);
    if (*r == DB_CONFLICT) *r = DB_RETRY; /* the id exists: another is made */
    fill(w, 201, "key.create", row, token);
    return P_OK;
}

enum problem key_create(struct service *s, struct arena *a, const struct key_write *in, struct str name, uint32_t scopes,
                        int64_t expires_at, struct write_answer *answer, struct faults *f) {
    struct key_row row = {.tenant = in->tenant,
                          .name = name,
                          .env = str_of(s->settings.env),
                          .scopes = scopes,
                          .created_at = in->now_ms,
                          .expires_at = expires_at};
    struct write w = write_of(s, a, in);
    w.effect = create_effect;
    w.ctx = &row;
    return write_once(&w, answer, f);
}

/* ---- rotate, revoke ---- */

struct change_key {
    struct str key_id;
    int64_t overlap_ms;
};

static enum problem no_key(struct str key_id, struct faults *f, enum db_result *r) {
    *r = DB_OK;
    return fault_say(f, P_NOT_FOUND, "there is no key \"" STR_FMT "\" that could be changed", STR_ARG(key_id));
}

static enum db_result find_key(struct write *w, struct str key_id, struct key_row *out) {
    struct key_row *rows;
    size_t n;
    enum db_result r = key_list(w->s->db, w->a, w->tenant, &rows, &n);
    for (size_t i = 0; i < n && r == DB_OK; i++) {
        if (!str_eq(rows[i].key_id, key_id)) continue;
        *out = rows[i];
        return DB_OK;
    }
    return r == DB_OK ? DB_NOT_FOUND : r;
}

static enum problem rotate_effect(struct write *w, struct faults *f, enum db_result *r) {
    const struct change_key *x = w->ctx;
    struct key_row row;
    uint8_t hash[32];
    *r = find_key(w, x->key_id, &row); /* first of all: what is no id of a key makes no token */
    if (*r == DB_NOT_FOUND) return no_key(x->key_id, f, r);
    if (*r != DB_OK) return P_OK;
    struct str token = make_secret(w->s, w->a, x->key_id, hash);
    *r = key_rotate(w->s->db, w->a, w->tenant, x->key_id, hash, w->now_ms + x->overlap_ms);
    if (*r == DB_OK) *r = find_key(w, x->key_id, &row);
    if (*r == DB_NOT_FOUND) return no_key(x->key_id, f, r);
    if (*r == DB_OK) fill(w, 200, "key.rotate", &row, token);
    return P_OK;
}

enum problem key_rotate_secret(struct service *s, struct arena *a, const struct key_write *in, struct str key_id, int64_t overlap_ms,
                               struct write_answer *answer, struct faults *f) {
    struct change_key ctx = {key_id, overlap_ms};
    struct write w = write_of(s, a, in);
    w.effect = rotate_effect;
    w.ctx = &ctx;
    return write_once(&w, answer, f);
}

static enum problem end_effect(struct write *w, struct faults *f, enum db_result *r) {
    const struct change_key *x = w->ctx;
    *r = key_revoke(w->s->db, w->a, w->tenant, x->key_id, w->now_ms);
    if (*r == DB_NOT_FOUND) return no_key(x->key_id, f, r);
    w->status = 204;
    w->action = STR("key.revoke");
    w->target = str_printf(w->a, "key/" STR_FMT, STR_ARG(x->key_id));
    return P_OK;
}

enum problem key_end(struct service *s, struct arena *a, const struct key_write *in, struct str key_id, struct write_answer *answer,
                     struct faults *f) {
    struct change_key ctx = {.key_id = key_id};
    struct write w = write_of(s, a, in);
    w.effect = end_effect;
    w.ctx = &ctx;
    return write_once(&w, answer, f);
}

enum problem keys_of(struct service *s, struct arena *a, tenant_id t, struct key_row **out, size_t *n, struct faults *f) {
    return service_problem(key_list(s->db, a, t, out, n), f);
}

enum problem keys_read(struct service *s, struct arena *a, tenant_id t, struct str cursor, size_t limit, int64_t now_ms, struct str *out,
                       struct faults *f) {
    struct made_at after;
    struct key_row *rows;
    size_t n;
    if (!made_cursor_parse(a, cursor, &after)) return P_CURSOR;
    enum db_result r = key_page(s->db, a, t, after.created_at, after.id, limit + 1, &rows, &n);
    if (r != DB_OK) return service_problem(r, f);
    struct paging page;
    paging_open(&page, a, limit);
    for (; page.n < n && !paging_full(&page); page.n++) key_render(&page.w, &rows[page.n], now_ms);
    struct str next = STR("");
    if (page.n > 0 && page.n < n) next = made_cursor(a, (struct made_at){rows[page.n - 1].created_at, rows[page.n - 1].key_id});
    *out = paging_close(&page, next);
    return P_OK;
}
