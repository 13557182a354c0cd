/* api/describe.c: prints what the tables of the house say about the HTTP surface, as one JSON document: routes, problems, the words of
 * closed lists, and the JSON Schemas of all bodies that routes and kinds of definitions take.
 *
 * scripts/openapi puts the schemas into api/openapi.yaml, scripts/check-openapi holds the description against the rest, and the tests
 * make their bad inputs from it: what is in a table is described and tested by being there. */
#include <stdio.h>
#include <string.h>

#include "base/numbers.h"
#include "engine/config.h"
#include "engine/event.h"
#include "handlers/routes.h"

enum { DOCUMENT_BYTES_MAX = 4 * 1024 * 1024 };

struct describing {
    struct arena *a;
    struct json_writer w;
    LIST(const struct shape *) shapes; /* each once, what refers to others before them */
};

static void put_member(struct json_writer *w, const char *key, const char *value) {
    json_key(w, key);
    json_put_z(w, value);
}

static void put_flag(struct json_writer *w, const char *key, bool value) {
    json_key(w, key);
    json_put_bool(w, value);
}

/* A reference is by name: two shapes of one name would describe each other's bodies. */
static void collect(struct describing *d, const struct shape *shape) {
    if (shape == NULL) return;
    for (size_t i = 0; i < d->shapes.n; i++) {
        if (d->shapes.items[i] == shape) return;
        if (strcmp(d->shapes.items[i]->name, shape->name) == 0) NEVER("two shapes have the same name");
    }
    *LIST_PUSH(d->a, &d->shapes) = shape;
    for (size_t i = 0; i < shape->n_fields; i++) collect(d, shape->fields[i].sub);
}

static void put_routes(struct describing *d) {
    static const char *const idempotency[] = {"none", "optional", "required"};
    static const char *const etags[] = {[ETAG_NONE] = "none", [ETAG_VERSION] = "version", [ETAG_EXACT] = "exact", [ETAG_BODY] = "body"};
    struct json_writer *w = &d->w;
    json_key(w, "routes");
    json_open_array(w);
    for (size_t i = 0; i < route_table.n; i++) {
        const struct route *route = &route_table.rows[i];
        collect(d, route->body);
        json_open_object(w);
        put_member(w, "method", method_name(route->method));
        put_member(w, "pattern", route->pattern);
        put_member(w, "name", route->name);
        put_member(w, "scope", route->scope == SCOPE_NONE ? NULL : scope_name((enum scope)route->scope));
        put_member(w, "rate", route->rate == RATE_NONE ? NULL : rate_names[route->rate - 1]);
        put_flag(w, "admin", route->admin);
        put_flag(w, "operators_too", route->operators_too);
        put_flag(w, "cloudevents", route->cloudevents);
        put_flag(w, "merge_patch", route->merge_patch);
        put_flag(w, "self", route->self);
        put_flag(w, "write", route->write);
        json_key(w, "body_max");
        json_put_i64(w, (int64_t)route->body_max);
        json_key(w, "body_required");
        json_put_bool(w, route->body_max > 0 && !route->body_optional);
        put_member(w, "body", route->body != NULL ? route->body->name : NULL);
        put_member(w, "idempotency", idempotency[route->idempotency]);
        put_member(w, "etag", etags[route->etag]);
        put_member(w, "if_match", etags[route->if_match]);
        json_key(w, "query");
        json_open_array(w);
        for (const char *const *name = route->query; name != NULL && *name != NULL; name++) json_put_z(w, *name);
        json_close_array(w);
        json_close_object(w);
    }
    json_close_array(w);
}

static void put_problems(struct describing *d) {
    struct json_writer *w = &d->w;
    json_key(w, "problems");
    json_open_array(w);
    for (enum problem p = P_OK + 1; p < P__MAX; p++) {
        json_open_object(w);
        put_member(w, "code", problem_row(p)->code);
        json_key(w, "status");
        json_put_i64(w, problem_row(p)->status);
        put_member(w, "title", problem_row(p)->title);
        json_close_object(w);
    }
    json_close_array(w);
}

/* Names by number; a number without a name is passed over. */
#define PUT_NAMES(d, key, from, to, type, name_of)                                                                                         \
    do {                                                                                                                                   \
        json_key(&(d)->w, key);                                                                                                            \
        json_open_array(&(d)->w);                                                                                                          \
        for (int i = (from); i < (to); i++) {                                                                                              \
            if (name_of((type)i) != NULL) json_put_z(&(d)->w, name_of((type)i));                                                           \
        }                                                                                                                                  \
        json_close_array(&(d)->w);                                                                                                         \
    } while (0)

static void put_words(struct describing *d) {
    json_key(&d->w, "words");
    json_open_object(&d->w);
    json_key(&d->w, "Scope");
    json_open_array(&d->w);
    for (uint32_t bit = 1; bit <= SCOPE_OPERATOR; bit <<= 1) json_put_z(&d->w, scope_name((enum scope)bit));
    json_close_array(&d->w);
    PUT_NAMES(d, "TransferKind", 0, KIND__MAX, enum transfer_kind, transfer_kind_name);
    PUT_NAMES(d, "Reason", 0, REASON__MAX, enum reason, reason_name);
    PUT_NAMES(d, "Period", 0, PERIOD__MAX, enum period_kind, period_name);
    PUT_NAMES(d, "CounterKind", 0, COUNTER__MAX, enum counter_kind, counter_kind_name);
    json_close_object(&d->w);
}

static void put_kinds(struct describing *d) {
    json_key(&d->w, "kinds"); /* kind → schema */
    json_open_object(&d->w);
    for (const struct kind_row *row = kind_rows; row->name != NULL; row++) {
        collect(d, row->shape);
        put_member(&d->w, row->name, row->shape->name);
    }
    json_close_object(&d->w);
}

static void put_schemas(struct describing *d) {
    json_key(&d->w, "schemas");
    json_open_object(&d->w);
    for (size_t i = 0; i < d->shapes.n; i++) {
        json_key(&d->w, d->shapes.items[i]->name);
        shape_schema(d->shapes.items[i], &d->w);
    }
    json_close_object(&d->w);
}

int main(void) {
    struct arena *a = arena_new();
    struct buf out = buf_new(a, DOCUMENT_BYTES_MAX);
    struct describing d = {.a = a, .w = json_writer_of(&out)};
    collect(&d, &event_shape); /* of no row: its route takes one or many, and settles them in sets */
    json_open_object(&d.w);
    put_routes(&d);
    put_problems(&d);
    put_words(&d);
    put_kinds(&d);
    put_schemas(&d);
    json_close_object(&d.w);
    MUST(buf_ok(&out));
    printf(STR_FMT "\n", STR_ARG(buf_str(&out)));
    arena_free(&a);
    return 0;
}
