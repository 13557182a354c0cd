#include "base/json.h"

#include <limits.h>

/* The library has an enum of the same name as ours. */
#define json_type library_json_type
#include <json.h>
#undef json_type

#include "base/json_strict.h"
#include "base/limits.h"

enum { TOKENER_TEXT_MAX = 64 * 1024 }; /* after a longer text the tokener is given up: its buffer never shrinks */

/* One per process: making one costs more than reading a small event. Not for several threads. */
static struct json_tokener *tokener;

/* Our strict pass went before. The library's own strictness is off: json-c 0.18 (Debian 13) takes every byte of a text outside ASCII
 * for a control character with it. Its depth counts differently, so it gets a little more than ours. */
static struct json_object *library_parse(struct str text) {
    if (!tokener) {
        tokener = json_tokener_new_ex(JSON_DEPTH_MAX + JSON_WRAPPING_MAX + 8);
        if (!tokener) NEVER("no memory left");
    }
    MUST(text.n < INT_MAX);
    json_tokener_reset(tokener);
    struct json_object *object = json_tokener_parse_ex(tokener, text.p, (int)text.n);
    /* A number ends only where something follows it. */
    if (!object && json_tokener_get_error(tokener) == json_tokener_continue) object = json_tokener_parse_ex(tokener, "", 1);
    return object;
}

static void tokener_rest(size_t text_bytes) {
    if (text_bytes <= TOKENER_TEXT_MAX) return;
    json_tokener_free(tokener);
    tokener = NULL;
}

static struct str copy_key(struct arena *a, const char *key) { return str_copy(a, str_of(key)); }

static struct json copy_value(struct arena *a, struct json_object *from) {
    struct json to = {.type = JSON_NULL};
    switch (json_object_get_type(from)) {
    case json_type_null: break;
    case json_type_boolean:
        to.type = JSON_BOOL;
        to.boolean = json_object_get_boolean(from);
        break;
    case json_type_int: return json_num((double)json_object_get_int64(from));
    case json_type_double: return json_num(json_object_get_double(from));
    case json_type_string:
        return json_text(str_copy(a, (struct str){json_object_get_string(from), (size_t)json_object_get_string_len(from)}));
    case json_type_array: {
        to.type = JSON_ARRAY;
        to.n = (uint32_t)json_object_array_length(from);
        struct json *items = NEW_ARRAY(a, struct json, to.n);
        for (uint32_t i = 0; i < to.n; i++) items[i] = copy_value(a, json_object_array_get_idx(from, i));
        to.items = items;
        break;
    }
    case json_type_object: {
        to.type = JSON_OBJECT;
        to.n = (uint32_t)json_object_object_length(from);
        struct json_member *members = NEW_ARRAY(a, struct json_member, to.n), *m = members;
        json_object_object_foreach(from, key, value) {
            *m++ = (struct json_member){.key = copy_key(a, key), .value = copy_value(a, value)};
        }
        to.members = members;
        break;
    }
    }
    return to;
}

static enum problem parse(struct arena *a, struct str text, uint32_t depth_max, struct json *out, struct faults *faults) {
    struct str value = {0};
    enum problem p = json_strict(a, text, depth_max, &value, faults);
    if (p) return p;
    struct json_object *object = library_parse(value);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    tokener_rest(value.n);
    /* Nothing that passes the strict pass is known to fail here; if it ever does, it is the client's text all the same. */
    if (error != json_tokener_success) {
        return fault_add(faults, P_MALFORMED_JSON, STR(""), "the text is not understood: %s", json_tokener_error_desc(error));
    }
    *out = copy_value(a, object);
    json_object_put(object);
    return P_OK;
}

enum problem json_parse(struct arena *a, struct str text, struct json *out, struct faults *faults) {
    return parse(a, text, JSON_DEPTH_MAX, out, faults);
}

enum problem json_parse_wrapped(struct arena *a, struct str text, struct json *out, struct faults *faults) {
    return parse(a, text, JSON_DEPTH_MAX + JSON_WRAPPING_MAX, out, faults);
}
