#include "base/shape.h"

#include <string.h>

#include "base/limits.h"

static const char code_pattern[] = "^[A-Za-z0-9][A-Za-z0-9._:-]*$";
static const char text_pattern[] = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"; /* no control characters */

static void text_member(struct json_writer *w, const char *key, const char *value) {
    json_key(w, key);
    json_put_z(w, value);
}

static void integer_member(struct json_writer *w, const char *key, int64_t value) {
    json_key(w, key);
    json_put_i64(w, value);
}

/* Bounds and defaults are kept in parts of the unit; `scale` parts are 1. */
static void scaled_member(struct json_writer *w, const char *key, int64_t value, int64_t scale) {
    json_key(w, key);
    if (value % scale == 0) {
        json_put_i64(w, value / scale);
    } else {
        json_put_double(w, (double)value / (double)scale);
    }
}

/* An absent member has its default; where the struct tells absence apart, absent means something of its own. */
static bool has_default(const struct field *f) { return !f->required && f->present == NOT_TRACKED; }

static void number_members(const struct field *f, struct json_writer *w, int64_t scale) {
    text_member(w, "type", scale == 1 ? "integer" : "number");
    scaled_member(w, "minimum", f->lo, scale);
    scaled_member(w, "maximum", f->hi, scale);
    if (has_default(f) && f->dflt >= f->lo && f->dflt <= f->hi) scaled_member(w, "default", f->dflt, scale);
}

static void code_members(struct json_writer *w) {
    text_member(w, "type", "string");
    text_member(w, "pattern", code_pattern);
    integer_member(w, "maxLength", CODE_BYTES_MAX);
}

/* Our lengths are bytes, the schema's are characters of 1 to 4 bytes: it must not refuse what we take. */
static void text_members(struct json_writer *w, int64_t lo, int64_t hi) {
    text_member(w, "type", "string");
    integer_member(w, "minLength", (lo + 3) / 4);
    integer_member(w, "maxLength", hi);
    text_member(w, "pattern", text_pattern);
}

static void names_member(struct json_writer *w, const char *const *names) {
    json_key(w, "enum");
    json_open_array(w);
    for (size_t i = 0; names[i]; i++) json_put_z(w, names[i]);
    json_close_array(w);
}

static void reference_member(struct json_writer *w, const struct shape *shape) {
    json_key(w, "$ref");
    json_put_str(w, str_printf(w->out->arena, "#/components/schemas/%s", shape->name));
}

static void array_members(const struct field *f, struct json_writer *w) {
    text_member(w, "type", "array");
    integer_member(w, "minItems", f->lo);
    integer_member(w, "maxItems", f->hi);
    if (f->type != F_LIST) {
        json_key(w, "uniqueItems");
        json_put_bool(w, true);
    }
    json_key(w, "items");
    json_open_object(w);
    if (f->type == F_LIST) {
        reference_member(w, f->sub);
    } else if (f->type == F_CODES) {
        code_members(w);
    } else {
        names_member(w, f->names);
    }
    json_close_object(w);
}

static void set_default(const struct field *f, struct json_writer *w) {
    if (!has_default(f) || !f->dflt) return;
    json_key(w, "default");
    json_open_array(w);
    for (size_t i = 0; f->names[i]; i++)
        if (f->dflt >> i & 1) json_put_z(w, f->names[i]);
    json_close_array(w);
}

/* The members of a custom schema, without its braces: the description comes in front of them. */
static void custom_members(const struct field *f, struct json_writer *w) {
    struct str schema = str_of(f->schema);
    MUST(schema.n >= 2 && schema.p[0] == '{' && schema.p[schema.n - 1] == '}');
    if (schema.n > 2) json_put_raw(w, (struct str){schema.p + 1, schema.n - 2});
}

static void field_members(const struct field *f, struct json_writer *w) {
    switch (f->type) {
    case F_STRING: text_members(w, f->lo, f->hi); break;
    case F_CODE: code_members(w); break;
    case F_PUBLIC_ID: text_members(w, 1, ID_BYTES_MAX); break;
    case F_INTEGER: number_members(f, w, 1); break;
    case F_DECIMAL: number_members(f, w, 1000000); break;
    case F_THOUSANDTHS: number_members(f, w, 1000); break;
    case F_BOOL:
        text_member(w, "type", "boolean");
        if (has_default(f)) {
            json_key(w, "default");
            json_put_bool(w, f->dflt != 0);
        }
        break;
    case F_TIME:
        text_member(w, "type", "string");
        text_member(w, "format", "date-time");
        break;
    case F_ENUM:
        names_member(w, f->names);
        if (has_default(f)) text_member(w, "default", f->names[f->dflt]);
        break;
    case F_JSON: break; /* anything */
    case F_JSON_OBJECT: text_member(w, "type", "object"); break;
    case F_OBJECT: reference_member(w, f->sub); break;
    case F_LIST:
    case F_CODES: array_members(f, w); break;
    case F_ENUMS:
        array_members(f, w);
        set_default(f, w);
        break;
    case F_CUSTOM: custom_members(f, w); break;
    }
}

static void required_member(const struct shape *shape, struct json_writer *w) {
    bool any = false;
    for (size_t i = 0; i < shape->n_fields; i++) {
        if (!shape->fields[i].required) continue;
        if (!any) {
            json_key(w, "required");
            json_open_array(w);
        }
        any = true;
        json_put_z(w, shape->fields[i].name);
    }
    if (any) json_close_array(w);
}

void shape_schema(const struct shape *shape, struct json_writer *w) {
    json_open_object(w);
    text_member(w, "type", "object");
    if (shape->doc) text_member(w, "description", shape->doc);
    json_key(w, "additionalProperties");
    json_put_bool(w, false);
    required_member(shape, w);
    json_key(w, "properties");
    json_open_object(w);
    for (size_t i = 0; i < shape->n_fields; i++) {
        const struct field *f = &shape->fields[i];
        json_key(w, f->name);
        json_open_object(w);
        if (f->doc) text_member(w, "description", f->doc);
        field_members(f, w);
        json_close_object(w);
    }
    json_close_object(w);
    json_close_object(w);
}
