/* service/member_list.c: pages of a tenant's members.
 *
 * Two streams: keys by external id, which has every member; and profiles by number, along the index of a type, a status or a group, or all
 * of them. Filters that only a profile can pass need the second one alone; a search goes through the first by the id's beginning, then
 * through the second by the name. What an index does not tell is looked at here, row by row, and a page gives up after ROWS_PER_PAGE_MAX.
 */
#include "base/cursor.h"
#include "service/inside.h"
#include "service/member_parts.h"
#include "service/people.h"
#include "sql/directory.h"

enum { CURSOR_FORMAT = 1, ROWS_AT_ONCE = 200, ROWS_PER_PAGE_MAX = 2000 };
static_assert((int)ROWS_AT_ONCE >= (int)PAGE_MAX, "a page is mostly read at once");

enum stream { BY_ID = 1, BY_NUMBER = 2 };
struct place_in_list {
    enum stream stream;
    struct str after_id;
    member_no after_no;
};
struct listed { /* one member of the page */
    struct str external_id, display_name;
    struct member_state *state;
    struct place_in_list place;
};
struct listing {
    struct service *s;
    struct arena *a;
    tenant_id tenant;
    const struct program *program;
    const struct member_query *q;
    struct place_in_list at; /* behind what was looked at */
    LIST(struct listed) found;
    size_t looked_at;
    bool end;
};

/* ---- which stream ---- */

static bool needs_profile(const struct member_query *q) {
    return q->type.n > 0 || q->attribute.n > 0 || q->kind.n > 0 || (q->has_status && q->status != MEMBER_ACTIVE);
}

static struct profiles_of profiles_wanted(const struct member_query *q) {
    struct profiles_of of = {.part = q->search};
    if (q->kind.n > 0) {
        of.what = PROFILES_GROUP;
        of.kind = q->kind;
        of.code = q->code;
    } else if (q->type.n > 0) {
        of.what = PROFILES_TYPE;
        of.type = q->type;
    } else if (q->has_status && q->status != MEMBER_ACTIVE) {
        of.what = PROFILES_STATUS;
        of.status = q->status;
    }
    return of;
}

static bool cursor_read(struct arena *a, const struct member_query *q, struct place_in_list *at) {
    struct str payload;
    if (!cursor_parse(a, q->cursor, &payload)) return false;
    struct reader r = reader_of(payload);
    bool ours = read_u8(&r) == CURSOR_FORMAT;
    at->stream = (enum stream)read_u8(&r);
    if (at->stream == BY_ID) at->after_id = read_bytes(&r, read_u16(&r));
    if (at->stream == BY_NUMBER) at->after_no.v = read_u64(&r);
    bool fits = needs_profile(q) ? at->stream == BY_NUMBER : at->stream == BY_ID || (at->stream == BY_NUMBER && q->search.n > 0);
    return ours && reader_done(&r) && fits;
}

static struct str cursor_write(struct arena *a, const struct place_in_list *at) {
    struct buf b = buf_new(a, 256);
    buf_u8(&b, CURSOR_FORMAT);
    buf_u8(&b, (uint8_t)at->stream);
    if (at->stream == BY_ID) {
        buf_u16(&b, (uint16_t)at->after_id.n);
        buf_add(&b, at->after_id);
    } else {
        buf_u64(&b, at->after_no.v);
    }
    MUST(buf_ok(&b));
    return cursor_text(a, buf_str(&b));
}

/* ---- filters ---- */

static bool value_is(const struct json *v, struct str wanted, struct arena *a) {
    if (v->type == JSON_STRING) return str_eq(v->string, wanted);
    if (v->type == JSON_BOOL) return str_is(wanted, v->boolean ? "true" : "false");
    struct json number;
    struct faults faults = faults_new(a);
    return v->type == JSON_NUMBER && json_parse(a, wanted, &number, &faults) == P_OK && json_equal(v, &number);
}

static bool attribute_fits(const struct listing *l, const struct member_state *state) {
    struct json v;
    if (l->q->attribute.n == 0) return true;
    if (state->attributes == NULL || !expr_json_at(state->attributes, l->q->attribute, &v)) return false;
    bool fits = value_is(&v, l->q->value, l->a);
    for (uint32_t i = 0; v.type == JSON_ARRAY && i < v.n && !fits; i++) fits = value_is(&v.items[i], l->q->value, l->a);
    return fits;
}

static bool has_prefix(struct str s, struct str prefix) { return s.n >= prefix.n && str_eq((struct str){s.p, prefix.n}, prefix); }

/* What was found by its id in the first stream does not come again in the second. */
static bool search_fits(const struct listing *l, struct str external_id, bool name_fits) {
    bool id_fits = has_prefix(external_id, l->q->search);
    if (l->q->search.n == 0 || l->at.stream == BY_ID) return true;
    return needs_profile(l->q) ? id_fits || name_fits : name_fits && !id_fits;
}

static bool state_fits(const struct listing *l, const struct member_state *state) {
    if (state->status != MEMBER_ACTIVE && state->status != MEMBER_SUSPENDED) return false; /* erased since the key was read */
    if (l->q->has_status && state->status != l->q->status) return false;
    return l->q->type.n == 0 || str_eq(state->type, l->q->type);
}

/* ---- a piece of a stream ---- */

struct row { /* looked at; state NULL: a key that is not a member */
    struct str external_id;
    member_no no;
    struct member_state *state;
    struct profile_row profile;
    bool name_fits;
};

static struct row *row_of(struct row *rows, size_t n, member_no no) {
    for (size_t i = 0; i < n; i++) {
        if (rows[i].no.v == no.v) return &rows[i];
    }
    return NULL;
}

static enum db_result load_states(struct listing *l, const struct member_ref *refs, struct row *rows, size_t n) {
    struct member_state *states;
    size_t n_states;
    enum db_result r = states_load(l->s->db, l->a, refs, n, &states, &n_states);
    for (size_t i = 0; i < n_states && r == DB_OK; i++) {
        row_of(rows, n, states[i].member)->state = &states[i];
        r = state_zones(l->s, l->a, &states[i], l->program);
    }
    return r;
}

static enum db_result read_by_id(struct listing *l, struct row *rows, size_t *n) {
    struct listed_key *keys;
    size_t wanted = *n;
    enum db_result r = member_keys_page(l->s->db, l->a, l->tenant, l->q->search, l->at.after_id, wanted, &keys, n);
    if (r != DB_OK || *n == 0) return r;
    struct member_ref *refs = NEW_ARRAY(l->a, struct member_ref, *n);
    for (size_t i = 0; i < *n; i++) {
        rows[i] = (struct row){.external_id = keys[i].external_id, .no = keys[i].member};
        refs[i] = (struct member_ref){l->tenant, keys[i].member};
    }
    struct profile_row *profiles;
    size_t n_profiles;
    r = load_states(l, refs, rows, *n);
    if (r == DB_OK) r = profiles_load(l->s->db, l->a, refs, *n, &profiles, &n_profiles);
    for (size_t i = 0; r == DB_OK && i < n_profiles; i++) row_of(rows, *n, profiles[i].m.member)->profile = profiles[i];
    return r;
}

static enum db_result read_by_number(struct listing *l, struct row *rows, size_t *n) {
    struct profiles_of of = profiles_wanted(l->q);
    struct listed_profile *profiles;
    size_t wanted = *n, n_keys;
    enum db_result r = profiles_page(l->s->db, l->a, l->tenant, &of, l->at.after_no, wanted, &profiles, n);
    if (r != DB_OK || *n == 0) return r;
    member_no *nos = NEW_ARRAY(l->a, member_no, *n);
    struct member_ref *refs = NEW_ARRAY(l->a, struct member_ref, *n);
    for (size_t i = 0; i < *n; i++) {
        refs[i] = profiles[i].profile.m;
        nos[i] = refs[i].member;
        rows[i] = (struct row){.no = nos[i], .profile = profiles[i].profile, .name_fits = profiles[i].name_fits};
    }
    struct member_key_row *keys;
    r = member_keys_by_no(l->s->db, l->a, l->tenant, nos, *n, &keys, &n_keys);
    for (size_t i = 0; r == DB_OK && i < n_keys; i++) {
        if (keys[i].has_key) row_of(rows, *n, keys[i].member)->external_id = keys[i].external_id;
    }
    return r == DB_OK ? load_states(l, refs, rows, *n) : r;
}

static enum db_result look_at(struct listing *l, const struct row *row) {
    l->looked_at++;
    l->at.after_id = row->external_id;
    l->at.after_no = row->no;
    if (row->state == NULL || row->external_id.n == 0 || !state_fits(l, row->state)) return DB_OK;
    if (!profile_parse(l->a, &row->profile, row->state)) return DB_FATAL;
    if (!search_fits(l, row->external_id, row->name_fits) || !attribute_fits(l, row->state)) return DB_OK;
    *LIST_PUSH(l->a, &l->found) = (struct listed){row->external_id, row->profile.display_name, row->state, l->at};
    return DB_OK;
}

static enum db_result next_piece(struct listing *l) {
    /* One more than the page shows whether there is a next one. */
    size_t wanted = l->looked_at == 0 ? l->q->limit + 1 : ROWS_AT_ONCE, n = wanted;
    struct row *rows = NEW_ARRAY(l->a, struct row, wanted);
    enum db_result r = l->at.stream == BY_ID ? read_by_id(l, rows, &n) : read_by_number(l, rows, &n);
    for (size_t i = 0; i < n && r == DB_OK && l->found.n <= l->q->limit; i++) r = look_at(l, &rows[i]);
    if (r != DB_OK || n == wanted || l->found.n > l->q->limit) return r;
    l->end = l->at.stream == BY_NUMBER || l->q->search.n == 0;
    if (!l->end) l->at = (struct place_in_list){.stream = BY_NUMBER};
    return DB_OK;
}

/* ---- the answer ---- */

static struct str page_text(struct listing *l) {
    struct buf b = buf_new(l->a, SIZE_MAX);
    struct json_writer w = json_writer_of(&b);
    size_t n = l->found.n < l->q->limit ? l->found.n : l->q->limit;
    json_open_object(&w);
    json_key(&w, "data");
    json_open_array(&w);
    for (size_t i = 0; i < n; i++) {
        const struct listed *m = &l->found.items[i];
        json_open_object(&w);
        member_put(&w, m->external_id, m->state, m->display_name, l->q->now_ms);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_key(&w, "next_cursor");
    if (l->found.n > l->q->limit) {
        json_put_str(&w, cursor_write(l->a, &l->found.items[n - 1].place));
    } else if (!l->end) {
        json_put_str(&w, cursor_write(l->a, &l->at));
    } else {
        json_put_null(&w);
    }
    json_close_object(&w);
    return buf_str(&b);
}

enum problem member_list(struct service *s, struct arena *a, const struct tenant_row *t, const struct member_query *q, struct str *out,
                         struct faults *f) {
    struct listing l = {.s = s, .a = a, .tenant = t->id, .q = q, .at.stream = needs_profile(q) ? BY_NUMBER : BY_ID};
    if (q->cursor.n > 0 && !cursor_read(a, q, &l.at)) return P_CURSOR;
    enum problem p = program_get(s, t->id, t->config_version, &l.program, f);
    if (p != P_OK) return p;
    enum db_result r = DB_OK;
    while (r == DB_OK && !l.end && l.found.n <= q->limit && l.looked_at < ROWS_PER_PAGE_MAX) r = next_piece(&l);
    if (r != DB_OK) return service_problem(r, f);
    *out = page_text(&l);
    return P_OK;
}
