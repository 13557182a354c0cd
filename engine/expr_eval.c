/* engine/expr_eval.c: one run of an expression: steps, names, and the operators that decide themselves what is evaluated. */
#include "engine/expr_node.h"

#include "base/crypto/encodings.h"
#include "base/limits.h"

bool run_stop(struct run *r, const struct node *n, const char *what) {
    *r->why = (struct expr_stop){what, n->place};
    return false;
}

bool run_spend(struct run *r, const struct node *n, size_t steps) {
    if (steps <= r->most - r->steps) {
        r->steps += (uint32_t)steps;
        return true;
    }
    if (r->most == EXPR_STEPS_MAX) return run_stop(r, n, "more steps than an expression may take");
    r->steps = r->most; /* nothing is left for a smaller one: which of them run hangs on their order alone */
    return run_stop(r, n, "more steps than the expressions of one event may take");
}

struct run run_of(const struct expr_scope *scope, struct arena *a, struct expr_stop *why) {
    uint32_t most = EXPR_STEPS_MAX;
    if (scope->steps && scope->steps_max && scope->steps_max - *scope->steps < most) most = scope->steps_max - *scope->steps;
    return (struct run){.scope = scope, .arena = a, .most = most, .why = why};
}

/* The values of all arguments; *args is `few` where it has room for them. */
enum { FEW = 4 };
static bool run_args(struct run *r, const struct node *n, const struct frame *f, struct json few[FEW], struct json **args) {
    *args = n->n <= FEW ? few : NEW_ARRAY(r->arena, struct json, n->n);
    for (uint16_t i = 0; i < n->n; i++)
        if (!run_node(r, &n->kids[i], f, &(*args)[i])) return false;
    return true;
}

bool run_node(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    struct json few[FEW], *args;
    if (!run_spend(r, n, 1)) return false;
    if (n->op->eval) return n->op->eval(r, n, f, out);
    return run_args(r, n, f, few, &args) && n->op->apply(r, n, args, out);
}

bool expr_truthy(const struct json *v) {
    switch (v->type) {
    case JSON_NULL: return false;
    case JSON_BOOL: return v->boolean;
    case JSON_NUMBER: return v->number != 0;
    case JSON_STRING: return v->string.n > 0;
    case JSON_ARRAY: return v->n > 0;
    case JSON_OBJECT: return true;
    }
    NEVER("a JSON type");
}

bool eval_constant(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    (void)r, (void)f;
    *out = n->value;
    return true;
}

bool eval_list(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    struct json *items = NEW_ARRAY(r->arena, struct json, n->n);
    for (uint16_t i = 0; i < n->n; i++)
        if (!run_node(r, &n->kids[i], f, &items[i])) return false;
    *out = (struct json){.type = JSON_ARRAY, .n = n->n, .items = items};
    return true;
}

/* names */

/* Only "0" and digits that do not begin with 0 name an item, as in JavaScript. */
static const struct json *item_of(const struct json *array, struct str key) {
    int64_t i;
    if (key.n == 0 || key.p[0] == '-' || (key.n > 1 && key.p[0] == '0')) return NULL;
    return str_to_i64(key, 0, (int64_t)array->n - 1, &i) ? &array->items[i] : NULL;
}

bool expr_json_walk(const struct json *root, struct str path, struct json *out, size_t *work) {
    const struct json *v = root;
    for (struct str rest = path; v && path.n > 0 && rest.p;) {
        struct str key = str_cut(&rest, '.');
        if (v->type == JSON_OBJECT) {
            *work += v->n;
            v = json_find(v, key);
        } else {
            v = v->type == JSON_ARRAY ? item_of(v, key) : NULL;
        }
    }
    if (!v) return false;
    *out = *v;
    return true;
}

bool expr_json_at(const struct json *root, struct str path, struct json *out) {
    size_t work = 0;
    return expr_json_walk(root, path, out, &work);
}

bool expr_json_lookup(void *ctx, struct str name, struct arena *a, struct json *out, size_t *work) {
    (void)a;
    return expr_json_walk(ctx, name, out, work);
}

static bool find_name(struct run *r, const struct node *n, const struct frame *f, struct str name, struct json *out, bool *found) {
    size_t work = 0;
    if (f) {
        *found = expr_json_walk(f->item, name, out, &work);
    } else {
        *found = r->scope->lookup && r->scope->lookup(r->scope->ctx, name, r->arena, out, &work);
    }
    return run_spend(r, n, work / VALUES_PER_STEP);
}

bool eval_var(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    struct str name = n->var.name;
    bool found;
    if (!n->var.literal) {
        struct json computed;
        if (!run_node(r, &n->kids[0], f, &computed) || !js_text(r, n, &computed, JS_NULL_EMPTY, &name)) return false;
    }
    if (!find_name(r, n, f, name, out, &found)) return false;
    if (found) return true;
    if (n->n > 1) return run_node(r, &n->kids[1], f, out);
    *out = (struct json){0};
    return true;
}

/* The keys that name nothing, null or "". */
static bool missing_of(struct run *r, const struct node *n, const struct frame *f, const struct json *keys, uint32_t count,
                       struct json *out) {
    LIST(struct json) list = {0};
    for (uint32_t i = 0; i < count; i++) {
        struct str name;
        struct json value;
        bool found;
        if (!run_spend(r, n, 1) || !js_text(r, n, &keys[i], JS_NULL_EMPTY, &name)) return false;
        if (!find_name(r, n, f, name, &value, &found)) return false;
        if (found && value.type != JSON_NULL && !(value.type == JSON_STRING && value.string.n == 0)) continue;
        if (list.n == EXPR_ARRAY_MAX) return run_stop(r, n, "an array longer than an expression may make");
        *LIST_PUSH(r->arena, &list) = keys[i];
    }
    *out = (struct json){.type = JSON_ARRAY, .n = (uint32_t)list.n, .items = list.items};
    return true;
}

bool eval_missing(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    struct json few[FEW], *args;
    if (!run_args(r, n, f, few, &args)) return false;
    bool listed = n->n > 0 && args[0].type == JSON_ARRAY;
    return missing_of(r, n, f, listed ? args[0].items : args, listed ? args[0].n : n->n, out);
}

bool eval_missing_some(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    struct json few[FEW], *args;
    double wanted;
    if (!run_args(r, n, f, few, &args) || !js_number(r, n, &args[0], &wanted)) return false;
    bool listed = args[1].type == JSON_ARRAY;
    uint32_t count = listed ? args[1].n : 1;
    if (!missing_of(r, n, f, listed ? args[1].items : &args[1], count, out)) return false;
    if ((double)count - out->n >= wanted) *out = (struct json){.type = JSON_ARRAY};
    return true;
}

/* branches */

bool eval_if(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    uint16_t i = 0;
    for (; i + 1 < n->n; i += 2) {
        struct json condition;
        if (!run_node(r, &n->kids[i], f, &condition)) return false;
        if (expr_truthy(&condition)) return run_node(r, &n->kids[i + 1], f, out);
    }
    if (i < n->n) return run_node(r, &n->kids[i], f, out);
    *out = (struct json){0};
    return true;
}

bool eval_and(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    for (uint16_t i = 0; i < n->n; i++) {
        if (!run_node(r, &n->kids[i], f, out)) return false;
        if (!expr_truthy(out)) break;
    }
    return true;
}

bool eval_or(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    for (uint16_t i = 0; i < n->n; i++) {
        if (!run_node(r, &n->kids[i], f, out)) return false;
        if (expr_truthy(out)) break;
    }
    return true;
}

/* loops */

/* The array that a loop goes over; an empty one where the first argument is no array. */
static bool run_array(struct run *r, const struct node *n, const struct frame *f, struct json *array) {
    if (!run_node(r, &n->kids[0], f, array)) return false;
    if (array->type != JSON_ARRAY) *array = (struct json){.type = JSON_ARRAY};
    return true;
}

static bool run_body(struct run *r, const struct node *n, const struct json *item, struct json *out) {
    return run_node(r, &n->kids[1], &(struct frame){item}, out);
}

bool eval_map(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    struct json array;
    if (!run_array(r, n, f, &array)) return false;
    if (array.n > EXPR_ARRAY_MAX) return run_stop(r, n, "an array longer than an expression may make");
    if (!run_spend(r, n, array.n / VALUES_PER_STEP)) return false;
    struct json *items = NEW_ARRAY(r->arena, struct json, array.n);
    for (uint32_t i = 0; i < array.n; i++)
        if (!run_body(r, n, &array.items[i], &items[i])) return false;
    *out = (struct json){.type = JSON_ARRAY, .n = array.n, .items = items};
    return true;
}

bool eval_filter(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    struct json array, keep;
    LIST(struct json) list = {0};
    if (!run_array(r, n, f, &array) || !run_spend(r, n, array.n / VALUES_PER_STEP)) return false;
    for (uint32_t i = 0; i < array.n; i++) {
        if (!run_body(r, n, &array.items[i], &keep)) return false;
        if (!expr_truthy(&keep)) continue;
        if (list.n == EXPR_ARRAY_MAX) return run_stop(r, n, "an array longer than an expression may make");
        *LIST_PUSH(r->arena, &list) = array.items[i];
    }
    *out = (struct json){.type = JSON_ARRAY, .n = (uint32_t)list.n, .items = list.items};
    return true;
}

bool eval_reduce(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    struct json array;
    if (!run_array(r, n, f, &array)) return false;
    *out = (struct json){0};
    if (n->n > 2 && !run_node(r, &n->kids[2], f, out)) return false;
    for (uint32_t i = 0; i < array.n; i++) {
        struct json_member *both = NEW_ARRAY(r->arena, struct json_member, 2); /* each its own: the body may keep them */
        both[0] = (struct json_member){STR("current"), array.items[i]};
        both[1] = (struct json_member){STR("accumulator"), *out};
        struct json item = {.type = JSON_OBJECT, .n = 2, .members = both};
        if (!run_body(r, n, &item, out)) return false;
    }
    return true;
}

/* Whether an item is found for which the body is truthy, or falsy. */
static bool search(struct run *r, const struct node *n, const struct json *array, bool truthy, bool *found) {
    struct json value;
    *found = false;
    for (uint32_t i = 0; i < array->n && !*found; i++) {
        if (!run_body(r, n, &array->items[i], &value)) return false;
        *found = expr_truthy(&value) == truthy;
    }
    return true;
}

bool eval_all(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    struct json array;
    bool found;
    if (!run_array(r, n, f, &array) || !search(r, n, &array, false, &found)) return false;
    *out = js_bool(array.n > 0 && !found);
    return true;
}

bool eval_some(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    struct json array;
    bool found;
    if (!run_array(r, n, f, &array) || !search(r, n, &array, true, &found)) return false;
    *out = js_bool(found);
    return true;
}

bool eval_none(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    if (!eval_some(r, n, f, out)) return false;
    out->boolean = !out->boolean;
    return true;
}

bool eval_rand(struct run *r, const struct node *n, const struct frame *f, struct json *out) {
    (void)f;
    const struct expr_scope *s = r->scope;
    if (!s->random_key) return run_stop(r, n, "there are no random numbers here");
    if (!run_spend(r, n, RANDOM_STEPS)) return false;
    *out = json_num((double)random_amount(s->random_key, s->source, s->id, s->rule, n->rand.n, n->rand.low, n->rand.high));
    return true;
}

/* the whole */

/* Values can share parts: what looks small may be endless when written out. Callers may walk over a result without care. */
static bool is_bounded(const struct json *v, int depth, uint32_t *left) {
    if (*left == 0 || depth > EXPR_DEPTH_MAX) return false;
    --*left;
    if (v->type != JSON_ARRAY && v->type != JSON_OBJECT) return true;
    for (uint32_t i = 0; i < v->n; i++)
        if (!is_bounded(v->type == JSON_ARRAY ? &v->items[i] : &v->members[i].value, depth + 1, left)) return false;
    return true;
}

enum expr_result expr_eval(const struct expr *e, const struct expr_scope *scope, struct arena *a, struct json *out, struct expr_stop *why) {
    struct run r = run_of(scope, a, why);
    uint32_t left = EXPR_STEPS_MAX;
    bool ran = run_node(&r, &e->root, NULL, out);
    if (ran) {
        bool bounded = is_bounded(out, 1, &left);
        ran = run_spend(&r, &e->root, (EXPR_STEPS_MAX - left) / VALUES_PER_STEP) &&
              (bounded || run_stop(&r, &e->root, "a result too large or nested too deep"));
    }
    if (scope->steps) *scope->steps += r.steps;
    if (ran) return EXPR_OK;
    *out = (struct json){0};
    return EXPR_FAULT;
}

static bool test_node(struct run *r, const struct node *n, bool *passed, uint16_t *failing) {
    struct json value;
    if (!operation_is_and(n->op)) {
        if (!run_node(r, n, NULL, &value)) return false;
        *passed = expr_truthy(&value);
        *failing = n->place;
        return true;
    }
    if (!run_spend(r, n, 1)) return false;
    *passed = true;
    for (uint16_t i = 0; i < n->n && *passed; i++)
        if (!test_node(r, &n->kids[i], passed, failing)) return false;
    return true;
}

enum expr_result expr_test(const struct expr *e, const struct expr_scope *scope, struct arena *a, bool *passed, uint16_t *failing,
                           struct expr_stop *why) {
    struct run r = run_of(scope, a, why);
    bool ran = test_node(&r, &e->root, passed, failing);
    if (scope->steps) *scope->steps += r.steps;
    if (ran) return EXPR_OK;
    *passed = false;
    return EXPR_FAULT;
}
