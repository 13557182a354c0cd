/* service/config.c: writing configurations: the whole, one definition, an earlier version. */
#include "service/config.h"

#include "service/draft.h"

const char *change_made_name(enum change_made what) {
    static const char *const names[] = {"created", "changed", "deleted"};
    return names[what];
}

static void put_text(struct json_writer *w, const char *key, struct str text) {
    json_key(w, key);
    if (text.n == 0) {
        json_put_null(w);
    } else {
        json_put_raw(w, text);
    }
}

/* ---- what differs, for people ---- */

struct saying {
    struct arena *a;
    struct json_writer *w;
};

static struct str at_or_whole(struct str pointer) { return pointer.n > 0 ? pointer : STR("the whole"); }

static void say(const struct saying *x, struct str pointer, const struct json *before, const struct json *after) {
    struct str place = at_or_whole(pointer), text = json_to_text(x->a, after != NULL ? after : before);
    if (before == NULL) {
        text = str_printf(x->a, STR_FMT ": " STR_FMT ", which is new", STR_ARG(place), STR_ARG(text));
    } else if (after == NULL) {
        text = str_printf(x->a, STR_FMT ": gone, was " STR_FMT, STR_ARG(place), STR_ARG(text));
    } else {
        text = str_printf(x->a, STR_FMT ": " STR_FMT ", was " STR_FMT, STR_ARG(place), STR_ARG(text), STR_ARG(json_to_text(x->a, before)));
    }
    json_put_str(x->w, text);
}

/* Both have what definitions have: a depth that the reader of JSON bounds. */
static void say_differences(const struct saying *x, struct str pointer, const struct json *before, const struct json *after) {
    if (before != NULL && after != NULL && json_equal(before, after)) return;
    if (before == NULL || after == NULL || before->type != after->type || (after->type != JSON_OBJECT && after->type != JSON_ARRAY)) {
        say(x, pointer, before, after);
        return;
    }
    for (uint32_t i = 0; after->type == JSON_ARRAY && (i < before->n || i < after->n); i++) {
        const struct json *old = i < before->n ? &before->items[i] : NULL, *new = i < after->n ? &after->items[i] : NULL;
        say_differences(x, pointer_index(x->a, pointer, i), old, new);
    }
    for (uint32_t i = 0; after->type == JSON_OBJECT && i < before->n; i++) {
        const struct json_member *m = &before->members[i];
        say_differences(x, pointer_child(x->a, pointer, m->key), &m->value, json_find(after, m->key));
    }
    for (uint32_t i = 0; after->type == JSON_OBJECT && i < after->n; i++) {
        const struct json_member *m = &after->members[i];
        if (json_find(before, m->key) == NULL) say_differences(x, pointer_child(x->a, pointer, m->key), NULL, &m->value);
    }
}

/* Of a definition that is there before and after: a line for each place. */
static void put_differences(struct json_writer *w, const struct config_change *change) {
    struct arena *a = arena_new();
    struct saying x = {a, w};
    struct faults none = faults_new(a);
    struct json before, after;
    json_key(w, "differences");
    json_open_array(w);
    bool both = change->before.n > 0 && change->after.n > 0 && json_parse(a, change->before, &before, &none) == P_OK &&
                json_parse(a, change->after, &after, &none) == P_OK;
    if (both) say_differences(&x, STR(""), &before, &after);
    json_close_array(w);
    arena_free(&a);
}

void config_result_render(struct json_writer *w, const struct config_result *r, bool texts) {
    json_open_object(w);
    json_key(w, "version");
    json_put_i64(w, (int64_t)r->version);
    json_key(w, "changes");
    json_open_array(w);
    for (size_t i = 0; i < r->n_changes; i++) {
        const struct config_change *x = &r->changes[i];
        json_open_object(w);
        json_key(w, "change");
        json_put_z(w, change_made_name(x->what));
        json_key(w, "kind");
        json_put_str(w, x->kind);
        json_key(w, "code");
        json_put_str(w, x->code);
        if (texts) put_text(w, "before", x->before);
        if (texts) put_text(w, "after", x->after);
        if (texts) put_differences(w, x);
        json_close_object(w);
    }
    json_close_array(w);
    json_close_object(w);
}

static enum problem check_from(const struct draft *d, uint64_t from, struct faults *f) {
    if (from == d->tenant.config_version) return P_OK;
    return fault_say(f, P_VERSION, "the configuration is at version %llu by now", (unsigned long long)d->tenant.config_version);
}

enum problem config_plan(struct service *s, struct arena *a, tenant_id t, uint64_t from, const struct json *document,
                         struct config_result *out, struct faults *f) {
    struct draft d = {0};
    enum problem p = draft_make(s, a, t, document, &d, f);
    if (p == P_OK && from != FROM_UNSAID) p = check_from(&d, from, f);
    if (p == P_OK && d.from != FROM_UNSAID) p = check_from(&d, d.from, f);
    if (p == P_OK) draft_result(&d, out);
    return p;
}

/* ---- the whole ---- */

struct apply {
    const struct config_write *in;
    const struct json *document;
    const char *action;
    struct config_result *out;
};

static struct str result_text(struct arena *a, const struct config_result *r) {
    struct buf b = buf_new(a, SIZE_MAX); /* as many changes as two configurations have definitions */
    struct json_writer w = json_writer_of(&b);
    config_result_render(&w, r, false);
    return buf_str(&b);
}

static enum problem apply_effect(struct write *w, struct faults *f, enum db_result *r) {
    struct apply *apply = w->ctx;
    struct draft d = {0};
    enum problem p = draft_make(w->s, w->a, apply->in->tenant, apply->document, &d, f);
    if (p == P_OK) p = check_from(&d, apply->in->from, f);
    if (p != P_OK) return p;
    draft_result(&d, apply->out);
    p = draft_write(w->s, w->a, &d, w->actor, w->now_ms, f, r);
    w->status = 200;
    w->body = result_text(w->a, apply->out);
    w->action = d.changes.n > 0 ? str_of(apply->action) : STR("");
    w->target = str_printf(w->a, "version/%llu", (unsigned long long)apply->out->version);
    w->detail = w->body;
    return p;
}

static enum problem apply(struct service *s, struct arena *a, struct apply *apply, struct write_answer *answer, struct faults *f) {
    struct write w = {.s = s,
                      .a = a,
                      .tenant = apply->in->tenant,
                      .key = apply->in->key,
                      .actor = apply->in->actor,
                      .now_ms = apply->in->now_ms,
                      .effect = apply_effect,
                      .ctx = apply};
    return write_once(&w, answer, f);
}

enum problem config_apply(struct service *s, struct arena *a, const struct config_write *w, const struct json *document,
                          struct config_result *out, struct write_answer *answer, struct faults *f) {
    struct apply ctx = {.in = w, .document = document, .action = "config.apply", .out = out};
    return apply(s, a, &ctx, answer, f);
}

enum problem config_rollback(struct service *s, struct arena *a, const struct config_write *w, uint64_t to, struct config_result *out,
                             struct write_answer *answer, struct faults *f) {
    struct str text;
    struct json document;
    enum problem p = config_at(s, a, w->tenant, to, &text, f);
    if (p == P_NOT_FOUND) fault_add(f, p, STR("/version"), "there never was such a version");
    if (p == P_OK) p = json_parse(a, text, &document, f);
    if (p != P_OK) return p;
    struct apply ctx = {.in = w, .document = &document, .action = "config.rollback", .out = out};
    return apply(s, a, &ctx, answer, f);
}

/* ---- one definition ---- */

struct put {
    const struct config_write *in;
    struct str kind, code;
    const struct json *body; /* NULL: delete */
    uint64_t version;
};

static const struct definition_row *stored(const struct definition_row *rows, size_t n, struct str kind, struct str code) {
    for (size_t i = 0; i < n; i++) {
        if (str_eq(rows[i].kind, kind) && str_eq(rows[i].code, code)) return &rows[i];
    }
    return NULL;
}

/* By its number in the document that is judged, which the client did not send: how a definition is called to the client. */
struct places {
    struct str *items;
    size_t n;
};

/* The present document without the definition of that kind and code, and with the one that is put, at the end. */
static enum problem document_with(struct write *w, const struct put *put, const struct definition_row *rows, size_t n, struct json *out,
                                  struct places *places, struct faults *f) {
    struct json *items = NEW_ARRAY(w->a, struct json, n + 1);
    struct json_member *list = NEW(w->a, struct json_member);
    uint32_t kept = 0;
    places->items = NEW_ARRAY(w->a, struct str, n + 1); /* what is put is the body itself: "" */
    for (size_t i = 0; i < n; i++) {
        if (str_eq(rows[i].kind, put->kind) && str_eq(rows[i].code, put->code)) continue;
        places->items[kept] = str_printf(w->a, "/" STR_FMT "/" STR_FMT, STR_ARG(rows[i].kind), STR_ARG(rows[i].code));
        enum problem p = json_parse(w->a, rows[i].body, &items[kept++], f);
        if (p != P_OK) return P_CONFIG_UNUSABLE;
    }
    if (put->body != NULL) items[kept++] = *put->body;
    places->n = kept;
    *list = (struct json_member){STR("definitions"), {.type = JSON_ARRAY, .n = kept, .items = items}};
    *out = (struct json){.type = JSON_OBJECT, .n = 1, .members = list};
    return P_OK;
}

/* A fault of the definition that was sent is told by its place in the body, one of another by that one's kind and code:
 * "/rule/task-done/when". What the whole has too much of is told of the body as a whole. */
static void own_pointers(struct arena *a, struct faults *f, const struct places *places) {
    struct str list = STR("/definitions");
    for (size_t i = 0; i < f->list.n; i++) {
        struct str *pointer = &f->list.items[i].pointer;
        if (!pointer_within(*pointer, list)) continue;
        size_t at = list.n + 1, number = 0; /* "/definitions/12/when": its number, and what follows */
        for (; at < pointer->n && pointer->p[at] != '/'; at++) number = number * 10 + (size_t)(pointer->p[at] - '0');
        bool whole = at > pointer->n;
        MUST(whole || number < places->n);
        *pointer =
            whole ? STR("") : str_printf(a, STR_FMT STR_FMT, STR_ARG(places->items[number]), (int)(pointer->n - at), pointer->p + at);
    }
}

static enum problem put_check(const struct put *put, const struct definition_row *now, struct faults *f) {
    if (now == NULL && put->body == NULL) {
        return fault_say(f, P_NOT_FOUND, "there is not a " STR_FMT " \"" STR_FMT "\"", STR_ARG(put->kind), STR_ARG(put->code));
    }
    if (put->in->from == FROM_UNSAID) {
        return now == NULL ? P_OK : fault_say(f, P_PRECONDITION, "send If-Match with the ETag that this change was made from");
    }
    if (now == NULL && put->in->from != 0) return fault_say(f, P_VERSION, "there is no such definition by now");
    if (now != NULL && now->version != put->in->from) {
        return fault_say(f, P_VERSION, "the definition is that of version %llu by now", (unsigned long long)now->version);
    }
    return P_OK;
}

static enum problem put_effect(struct write *w, struct faults *f, enum db_result *r) {
    struct put *put = w->ctx;
    struct tenant_row tenant;
    struct definition_row *rows;
    size_t n;
    struct places places = {0};
    struct json document;
    struct draft d = {0};
    *r = tenant_by_id(w->s->db, w->a, put->in->tenant, &tenant);
    if (*r != DB_OK) return P_OK;
    enum problem p = config_rows(w->s, w->a, tenant.id, tenant.config_version, &rows, &n, f);
    if (p != P_OK) return p;
    const struct definition_row *now = stored(rows, n, put->kind, put->code);
    p = put_check(put, now, f);
    if (p != P_OK) f->list.n = f->more = 0; /* what was found in the body is not why */
    if (p == P_OK) p = document_with(w, put, rows, n, &document, &places, f);
    if (p == P_OK) p = draft_make(w->s, w->a, tenant.id, &document, &d, f);
    own_pointers(w->a, f, &places);
    if (p == P_OK) p = draft_write(w->s, w->a, &d, w->actor, w->now_ms, f, r);
    if (p != P_OK) return p;
    put->version = d.changes.n > 0 ? d.in.version : now != NULL ? now->version : 0;
    w->status = put->body == NULL ? 204 : now == NULL ? 201 : 200;
    w->body = STR("");
    for (size_t i = 0; i < d.n && put->body != NULL; i++) {
        if (str_eq(d.definitions[i].kind, put->kind) && str_eq(d.definitions[i].code, put->code)) w->body = d.texts[i];
    }
    w->action = d.changes.n == 0 ? STR("") : put->body == NULL ? STR("config.delete") : STR("config.put");
    w->target = str_printf(w->a, STR_FMT "/" STR_FMT, STR_ARG(put->kind), STR_ARG(put->code));
    w->detail = w->body;
    return P_OK;
}

enum problem config_put(struct service *s, struct arena *a, const struct config_write *in, struct str kind, struct str code,
                        const struct json *body, struct write_answer *answer, uint64_t *version, struct faults *f) {
    struct put put = {.in = in, .kind = kind, .code = code, .body = body};
    struct write w = {
        .s = s, .a = a, .tenant = in->tenant, .key = in->key, .actor = in->actor, .now_ms = in->now_ms, .effect = put_effect, .ctx = &put};
    enum problem p = write_once(&w, answer, f);
    *version = put.version;
    return p;
}
