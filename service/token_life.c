/* service/token_life.c: keys of member tokens made and revoked (M2). What they are made of stands in no answer, log or audit line, but
 * for a secret that was made here, once. */
#include "service/inside.h"
#include "service/paging.h"
#include "service/tokens.h"

enum { TOKEN_KEY_ANSWER_MAX = 4096 };

static void put_members(struct json_writer *w, const struct token_key_row *k) {
    json_key(w, "kid");
    json_put_str(w, k->kid);
    json_key(w, "name");
    json_put_str(w, k->name);
    json_key(w, "algorithm");
    json_put_z(w, jwt_algorithm_name((enum jwt_algorithm)k->algorithm));
    json_key(w, "status");
    json_put_z(w, k->revoked_at != 0 ? "revoked" : "valid");
    json_key(w, "created_at");
    json_put_time(w, k->created_at);
}

void token_key_render(struct json_writer *w, const struct token_key_row *k) {
    json_open_object(w);
    put_members(w, k);
    json_close_object(w);
}

/* secret "": none to be shown. */
static struct str made_text(struct arena *a, const struct token_key_row *k, struct str secret) {
    struct buf b = buf_new(a, TOKEN_KEY_ANSWER_MAX);
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    put_members(&w, k);
    json_key(&w, "secret");
    json_put_text(&w, secret);
    json_close_object(&w);
    MUST(buf_ok(&b));
    return buf_str(&b);
}

static struct write write_of(struct service *s, struct arena *a, const struct key_write *by) {
    return (struct write){
        .s = s, .a = a, .tenant = by->tenant, .by_operator = true, .key = by->key, .actor = by->actor, .now_ms = by->now_ms};
}

/* ---- create ---- */

struct creation {
    struct token_key_row row;
    struct jwt_key key;
    struct str shown; /* the secret, where it was made here */
};

static enum problem read_key(struct arena *a, const struct token_key_in *in, struct creation *c, struct faults *f) {
    const char *why = NULL;
    if (in->algorithm == JWT_HS256 && in->public_key.n > 0)
        return fault_add(f, P_VALIDATION, STR("/public_key"), "has no place with HS256, whose secret both sides know");
    if (in->algorithm == JWT_HS256 && in->secret.n == 0) {
        uint8_t bytes[JWT_SECRET_BYTES_MIN];
        crypto_random(bytes, sizeof bytes);
        c->shown = base64url_text(a, (struct str){(const char *)bytes, sizeof bytes});
        crypto_wipe(bytes, sizeof bytes);
        why = jwt_key_of_secret(a, c->shown, &c->key);
        MUST(why == NULL);
        return P_OK;
    }
    if (in->algorithm != JWT_HS256 && in->secret.n > 0)
        return fault_add(f, P_VALIDATION, STR("/secret"), "belongs to HS256; %s needs a public key", jwt_algorithm_name(in->algorithm));
    if (in->algorithm == JWT_HS256) {
        why = jwt_key_of_secret(a, in->secret, &c->key);
        return why == NULL ? P_OK : fault_add(f, P_VALIDATION, STR("/secret"), "%s", why);
    }
    why = in->public_key.n > 0 ? jwt_key_of_pem(a, in->algorithm, in->public_key, &c->key) : "is required";
    return why == NULL ? P_OK : fault_add(f, P_VALIDATION, STR("/public_key"), "%s", why);
}

static void fill(struct write *w, int status, const char *action, struct str kid) {
    w->status = status;
    w->action = str_of(action);
    w->target = str_printf(w->a, "token-key/" STR_FMT, STR_ARG(kid));
}

static enum problem create_effect(struct write *w, struct faults *f, enum db_result *r) {
    (void)f;
    struct creation *c = w->ctx;
    struct token_key_row *row = &c->row;
    char *kid = arena_alloc(w->a, API_KEY_ID_CHARS);
    base62_random(kid, API_KEY_ID_CHARS);
    row->kid = (struct str){kid, API_KEY_ID_CHARS};
    struct str associated = token_key_associated(w->a, row->tenant, row->algorithm, row->kid);
    row->material = crypto_seal(w->a, service_tenant_keys(w->s, row->tenant)->tokens.b, associated, c->key.material);
    *r = token_key_insert(w->s->db, w->a, row);
    if (*r == DB_CONFLICT) *r = DB_RETRY; /* the kid exists: another is made */
    fill(w, 201, "token-key.create", row->kid);
    w->body = made_text(w->a, row, c->shown);
    w->record = made_text(w->a, row, STR(""));
    w->detail = w->record;
    return P_OK;
}

enum problem token_key_create(struct service *s, struct arena *a, const struct key_write *by, const struct token_key_in *in,
                              struct write_answer *answer, struct faults *f) {
    struct creation c = {
        .row = {.tenant = by->tenant, .name = in->name, .algorithm = (uint8_t)in->algorithm, .created_at = by->now_ms},
    };
    enum problem p = read_key(a, in, &c, f);
    if (p != P_OK) return p;
    struct write w = write_of(s, a, by);
    w.effect = create_effect;
    w.ctx = &c;
    return write_once(&w, answer, f);
}

/* ---- revoke ---- */

static enum problem end_effect(struct write *w, struct faults *f, enum db_result *r) {
    const struct str *kid = w->ctx;
    *r = token_key_revoke(w->s->db, w->a, w->tenant, *kid, w->now_ms);
    fill(w, 204, "token-key.revoke", *kid);
    if (*r != DB_NOT_FOUND) return P_OK;
    *r = DB_OK;
    return fault_say(f, P_NOT_FOUND, "the tenant has no token key \"" STR_FMT "\"", STR_ARG(*kid));
}

enum problem token_key_end(struct service *s, struct arena *a, const struct key_write *by, struct str kid, struct write_answer *answer,
                           struct faults *f) {
    struct write w = write_of(s, a, by);
    w.effect = end_effect;
    w.ctx = &kid;
    return write_once(&w, answer, f);
}

enum problem token_keys_of(struct service *s, struct arena *a, tenant_id t, struct token_key_row **out, size_t *n, struct faults *f) {
    return service_problem(token_key_list(s->db, a, t, out, n), f);
}

enum problem token_keys_read(struct service *s, struct arena *a, tenant_id t, struct str cursor, size_t limit, struct str *out,
                             struct faults *f) {
    struct made_at after;
    struct token_key_row *rows;
    size_t n;
    if (!made_cursor_parse(a, cursor, &after)) return P_CURSOR;
    enum db_result r = token_key_page(s->db, a, t, after.created_at, after.id, limit + 1, &rows, &n);
    if (r != DB_OK) return service_problem(r, f);
    struct paging page;
    paging_open(&page, a, limit);
    for (; page.n < n && !paging_full(&page); page.n++) token_key_render(&page.w, &rows[page.n]);
    struct str next = STR("");
    if (page.n > 0 && page.n < n) next = made_cursor(a, (struct made_at){rows[page.n - 1].created_at, rows[page.n - 1].kid});
    *out = paging_close(&page, next);
    return P_OK;
}
