/* The sealed part: one JSON object, either {"source","id","type","data"?,"context"?} of an event or {"reason","actor"?,"data"?} of an
 * adjustment or a change of the member, members in this order, compact. */
#include "engine/outcome.h"

static void put_member(struct json_writer *w, const char *key, struct str value) {
    json_key(w, key);
    json_put_str(w, value);
}

static void put_object(struct json_writer *w, const char *key, const struct json *value) {
    if (!value) return;
    json_key(w, key);
    json_put_value(w, value);
}

struct str sealed_encode(struct arena *a, const struct sealed *s) {
    struct buf b = buf_new(a, SIZE_MAX); /* what is sealed was read from a body that has a limit */
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    if (s->source.n) {
        put_member(&w, "source", s->source);
        put_member(&w, "id", s->id);
        put_member(&w, "type", s->type);
        put_object(&w, "data", s->data);
        put_object(&w, "context", s->context);
    } else {
        put_member(&w, "reason", s->reason);
        if (s->actor.n) put_member(&w, "actor", s->actor);
        put_object(&w, "data", s->data);
    }
    json_close_object(&w);
    return buf_str(&b);
}

static struct str text_of(const struct json *object, const char *key) {
    const struct json *v = json_get(object, key);
    return v && v->type == JSON_STRING ? v->string : STR("");
}

static const struct json *object_of(const struct json *object, const char *key) {
    const struct json *v = json_get(object, key);
    return v && v->type == JSON_OBJECT ? v : NULL;
}

/* What was read is written again and compared: nothing but what sealed_encode writes passes, without a second list of rules. */
bool sealed_decode(struct arena *a, struct str text, struct sealed *s) {
    struct json *v = NEW(a, struct json); /* s points into it */
    struct faults faults = faults_new(a);
    *s = (struct sealed){0};
    if (json_parse_wrapped(a, text, v, &faults) != P_OK) return false;
    *s = (struct sealed){.source = text_of(v, "source"),
                         .id = text_of(v, "id"),
                         .type = text_of(v, "type"),
                         .data = object_of(v, "data"),
                         .context = object_of(v, "context"),
                         .reason = text_of(v, "reason"),
                         .actor = text_of(v, "actor")};
    return str_eq(sealed_encode(a, s), text);
}
