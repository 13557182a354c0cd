/* engine/expr_compile.c: from JSON to nodes: what is refused, which names are used, constants, places. */
#include "engine/expr_node.h"

#include "base/limits.h"

static_assert((int)EXPR_NODES_MAX < (int)ANY_NUMBER, "places and numbers of arguments fit 16 bits");
static_assert(EXPR_NODES_MAX <= EXPR_ARRAY_MAX, "a list that is written out is never too long");

enum { FOLDED_TEXT_MAX = 256 }; /* a longer text is made again each time rather than kept */

struct compiler {
    struct arena *arena;
    struct arena *scratch; /* for folding; NULL until then */
    const struct json *source;
    struct str pointer;
    const struct expr_names *names;
    uint32_t *rand_n;
    struct expr *expr;
    struct faults *faults;
    uint32_t places; /* values counted so far */
    bool refused;
};

/* Values in v, itself included. */
static uint32_t count_values(const struct json *v) {
    uint32_t n = 1;
    if (v->type == JSON_ARRAY || v->type == JSON_OBJECT)
        for (uint32_t i = 0; i < v->n; i++) n += count_values(v->type == JSON_ARRAY ? &v->items[i] : &v->members[i].value);
    return n;
}

struct str expr_place_pointer(struct arena *a, const struct json *source, struct str pointer, uint16_t place) {
    const struct json *v = source;
    uint32_t left = place; /* values before the place, from v on */
    while (left > 0 && (v->type == JSON_ARRAY || v->type == JSON_OBJECT)) {
        uint32_t i = 0, inside = 0;
        const struct json *child = NULL;
        for (left--; i < v->n; i++, left -= inside) {
            child = v->type == JSON_ARRAY ? &v->items[i] : &v->members[i].value;
            inside = count_values(child);
            if (left < inside) break;
        }
        if (i == v->n) break; /* no such place: the nearest that there is */
        pointer = v->type == JSON_ARRAY ? pointer_index(a, pointer, i) : pointer_child(a, pointer, v->members[i].key);
        v = child;
    }
    return pointer;
}

static void refuse(struct compiler *c, uint32_t place, struct str detail) {
    struct str at = expr_place_pointer(c->faults->arena, c->source, c->pointer, (uint16_t)place);
    c->refused = true;
    fault_add(c->faults, P_DEFINITION, at, STR_FMT, STR_ARG(detail));
}
#define REFUSE(c, place, ...) refuse((c), (place), str_printf((c)->faults->arena, __VA_ARGS__))

/* names */

static bool ends_with_period(struct str name) {
    struct str last = name;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] == '.') last = (struct str){name.p + i, name.n - i};
    return str_is(last, ".day") || str_is(last, ".week") || str_is(last, ".month");
}

static uint32_t uses_of(struct str name) {
    static const struct {
        const char *prefix;
        uint32_t bit;
    } roots[] = {
        {"event", EXPR_USES_EVENT},           {"member.type", EXPR_USES_MEMBER_TYPE}, {"member.attributes", EXPR_USES_PROFILE},
        {"member.groups", EXPR_USES_PROFILE}, {"member.level.", EXPR_USES_LEVEL},     {"metric.", EXPR_USES_METRIC},
        {"streak.", EXPR_USES_STREAK},
    };
    uint32_t uses = 0;
    for (size_t i = 0; i < COUNT(roots); i++)
        if (str_starts(name, roots[i].prefix)) uses |= roots[i].bit;
    if ((uses & EXPR_USES_METRIC) && ends_with_period(name)) uses |= EXPR_USES_PERIODS;
    return uses;
}

static void use_name(struct compiler *c, struct str name, uint32_t place) {
    const char *why = "is not known";
    if (c->names && name.n == 0) {
        REFUSE(c, place, "one variable has to be named");
        return;
    }
    if (c->names && !c->names->known(c->names->ctx, name, &why)) {
        if (name.n <= NAME_BYTES_MAX)
            REFUSE(c, place, "\"" STR_FMT "\" %s", STR_ARG(name), why);
        else
            REFUSE(c, place, "the name %s", why);
    }
    c->expr->uses |= uses_of(name);
    for (size_t i = 0; i < c->expr->names.n; i++)
        if (str_eq(c->expr->names.items[i], name)) return;
    *LIST_PUSH(c->arena, &c->expr->names) = str_copy(c->arena, name);
}

static bool is_constant(const struct node *n) { return n->op == &operation_constant; }

/* A constant as a name: what String() makes of it, in the program's arena. false: longer than any text of an expression. */
static bool constant_text(struct compiler *c, const struct node *n, const struct json *v, struct str *out) {
    struct expr_stop why;
    struct run run = run_of(&(struct expr_scope){0}, c->arena, &why);
    if (js_text(&run, n, v, JS_NULL_EMPTY, out)) return true;
    REFUSE(c, n->place, "%s", why.what);
    return false;
}

static void use_constant(struct compiler *c, const struct node *n, const struct json *v) {
    struct str name;
    if (constant_text(c, n, v, &name)) use_name(c, name, n->place);
}

/* The names that missing and missing_some list: an array's items, or the arguments themselves. */
static void use_listed(struct compiler *c, const struct node *kids, uint16_t n) {
    const struct node *all = kids;
    if (n > 0 && is_constant(&kids[0]) && kids[0].value.type == JSON_ARRAY) {
        all = kids[0].kids;
        n = kids[0].n;
    }
    for (uint16_t i = 0; i < n; i++)
        if (is_constant(&all[i]))
            use_constant(c, &all[i], &all[i].value);
        else
            c->expr->uses |= EXPR_USES_COMPUTED;
}

static void compile_names(struct compiler *c, bool in_body, struct node *n) {
    switch (n->op->kind) {
    case VAR:
        n->var.literal = n->n == 0 || is_constant(&n->kids[0]);
        if (n->n > 0 && n->var.literal && !constant_text(c, n, &n->kids[0].value, &n->var.name)) return;
        if (in_body) return;
        if (n->var.literal)
            use_name(c, n->var.name, n->n > 0 ? n->kids[0].place : n->place);
        else
            c->expr->uses |= EXPR_USES_COMPUTED;
        return;
    case MISSING:
        if (!in_body) use_listed(c, n->kids, n->n);
        return;
    case MISSING_SOME:
        if (!in_body) use_listed(c, &n->kids[1], 1);
        return;
    case TIME:
        if (n->n == 0) use_name(c, STR("event.time"), n->place); /* of the event, in bodies too */
        return;
    default: return;
    }
}

/* constants */

/* An operator whose arguments are all constants becomes one, unless it stops (then the run says so, where it is reached) or
 * gives more than is worth keeping. */
static void fold(struct compiler *c, struct node *n) {
    struct json value;
    struct expr_stop why;
    for (uint16_t i = 0; i < n->n; i++)
        if (!is_constant(&n->kids[i])) return;
    if (!c->scratch) c->scratch = arena_new();
    arena_reset(c->scratch);
    struct run run = run_of(&(struct expr_scope){0}, c->scratch, &why);
    if (!run_node(&run, n, NULL, &value)) return;
    if (value.type == JSON_ARRAY || value.type == JSON_OBJECT || (value.type == JSON_STRING && value.string.n > FOLDED_TEXT_MAX)) return;
    if (value.type == JSON_STRING) value.string = str_copy(c->arena, value.string);
    *n = (struct node){.op = &operation_constant, .place = n->place, .value = value};
}

static void fold_list(struct compiler *c, struct node *n) {
    for (uint16_t i = 0; i < n->n; i++)
        if (!is_constant(&n->kids[i])) return;
    struct json *items = NEW_ARRAY(c->arena, struct json, n->n);
    for (uint16_t i = 0; i < n->n; i++) items[i] = n->kids[i].value;
    n->op = &operation_constant;
    n->value = (struct json){.type = JSON_ARRAY, .n = n->n, .items = items};
}

/* nodes */

static void compile_value(struct compiler *c, const struct json *v, int depth, bool in_body, struct node *out);

static void compile_kids(struct compiler *c, const struct json *items, uint32_t n, int depth, bool in_body, struct node *out) {
    struct node *kids = NEW_ARRAY(c->arena, struct node, n);
    bool has_body = out->op->kind == BODY;
    out->kids = kids;
    out->n = (uint16_t)n;
    for (uint32_t i = 0; i < n; i++) compile_value(c, &items[i], depth + 1, in_body || (has_body && i == 1), &kids[i]);
}

static void compile_rand(struct compiler *c, const struct json *items, struct node *out) {
    int64_t low, high;
    if (!c->rand_n) {
        REFUSE(c, out->place, "there are no random numbers here");
        return;
    }
    out->rand.n = (*c->rand_n)++;
    c->expr->uses |= EXPR_USES_RAND;
    if (!json_is_integer(&items[0], -EXPR_RAND_BOUND, EXPR_RAND_BOUND, &low) ||
        !json_is_integer(&items[1], -EXPR_RAND_BOUND, EXPR_RAND_BOUND, &high)) {
        REFUSE(c, out->place, "\"rand\" takes two integers from -%d to %d, written out", EXPR_RAND_BOUND, EXPR_RAND_BOUND);
    } else if (low > high) {
        REFUSE(c, out->place, "the lower number of \"rand\" comes first");
    } else {
        out->rand.low = (int32_t)low;
        out->rand.high = (int32_t)high;
    }
}

static void refuse_arity(struct compiler *c, uint16_t place, const struct operation *o, uint32_t n) {
    if (o->max == ANY_NUMBER)
        REFUSE(c, place, "\"%s\" takes at least %u argument%s, not %u", o->name, o->min, o->min == 1 ? "" : "s", n);
    else if (o->min == o->max)
        REFUSE(c, place, "\"%s\" takes %u argument%s, not %u", o->name, o->min, o->min == 1 ? "" : "s", n);
    else
        REFUSE(c, place, "\"%s\" takes %u to %u arguments, not %u", o->name, o->min, o->max, n);
}

/* What was refused: no constant, so that nothing is said about it twice. */
static void pass_over(struct compiler *c, const struct json *v, struct node *out) {
    out->op = &operation_list;
    c->places = out->place + count_values(v);
}

/* false: refused, its values are to be passed over. */
static bool compile_operator(struct compiler *c, const struct json *v, int depth, bool in_body, struct node *out) {
    if (v->n != 1) {
        REFUSE(c, out->place, "an object of an expression has exactly one member, its operator");
        return false;
    }
    struct str name = v->members[0].key;
    const struct json *args = &v->members[0].value;
    bool listed = args->type == JSON_ARRAY; /* {"var":"a"} is short for {"var":["a"]} */
    const struct json *items = listed ? args->items : args;
    uint32_t n = listed ? args->n : 1;
    out->op = operation_find(name);
    if (!out->op) {
        if (name.n <= CODE_BYTES_MAX)
            REFUSE(c, out->place, "there is no operator \"" STR_FMT "\"", STR_ARG(name));
        else
            REFUSE(c, out->place, "there is no such operator");
        return false;
    }
    if (n < out->op->min || n > out->op->max) {
        refuse_arity(c, out->place, out->op, n);
        return false;
    }
    if (out->op->kind == RAND) {
        compile_rand(c, items, out);
        c->places = out->place + count_values(v);
        return true;
    }
    c->places += listed;
    compile_kids(c, items, n, depth, in_body, out);
    compile_names(c, in_body, out);
    if (out->op->folds) fold(c, out);
    return true;
}

static void compile_value(struct compiler *c, const struct json *v, int depth, bool in_body, struct node *out) {
    uint32_t place = c->places++;
    out->place = (uint16_t)place;
    out->op = &operation_constant;
    if (depth > EXPR_DEPTH_MAX) {
        REFUSE(c, place, "an expression is nested at most %d deep", EXPR_DEPTH_MAX);
        pass_over(c, v, out);
        return;
    }
    switch (v->type) {
    case JSON_NULL:
    case JSON_BOOL:
    case JSON_NUMBER: out->value = *v; return;
    case JSON_STRING: out->value = json_text(str_copy(c->arena, v->string)); return;
    case JSON_ARRAY:
        out->op = &operation_list;
        compile_kids(c, v->items, v->n, depth, in_body, out);
        fold_list(c, out);
        return;
    case JSON_OBJECT:
        if (!compile_operator(c, v, depth, in_body, out)) pass_over(c, v, out);
        return;
    }
}

enum problem expr_compile(struct arena *a, const struct json *source, struct str pointer, const struct expr_names *names, uint32_t *rand_n,
                          struct expr **out, struct faults *faults) {
    struct compiler c = {.arena = a, .source = source, .pointer = pointer, .names = names, .rand_n = rand_n, .faults = faults};
    c.expr = NEW(a, struct expr);
    if (count_values(source) > EXPR_NODES_MAX)
        REFUSE(&c, 0, "an expression has at most %d values", EXPR_NODES_MAX);
    else
        compile_value(&c, source, 1, false, &c.expr->root);
    arena_free(&c.scratch);
    *out = c.refused ? NULL : c.expr;
    return c.refused ? P_DEFINITION : P_OK;
}

uint32_t expr_uses(const struct expr *e) { return e->uses; }

size_t expr_names_count(const struct expr *e) { return e->names.n; }

struct str expr_name(const struct expr *e, size_t i) {
    MUST(i < e->names.n);
    return e->names.items[i];
}
