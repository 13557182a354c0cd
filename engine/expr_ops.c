/* engine/expr_ops.c: the table of operators, and those that work on the values of all their arguments. */
#include "engine/expr_node.h"

#include <math.h>
#include <string.h>

#include "base/limits.h"

static bool number_out(struct run *r, const struct node *n, double d, struct json *out) {
    if (!isfinite(d)) return run_stop(r, n, "the result is not a finite number");
    *out = json_num(d == 0 ? 0 : d); /* never −0 */
    return true;
}

static bool bool_out(bool v, struct json *out) {
    *out = js_bool(v);
    return true;
}

/* comparisons */

static bool apply_equal(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    bool equal;
    return js_loose_equal(r, n, &args[0], &args[1], &equal) && bool_out(equal, out);
}

static bool apply_unequal(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    bool equal;
    return js_loose_equal(r, n, &args[0], &args[1], &equal) && bool_out(!equal, out);
}

static bool apply_same(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    (void)r, (void)n;
    return bool_out(js_strict_equal(&args[0], &args[1]), out);
}

static bool apply_not_same(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    (void)r, (void)n;
    return bool_out(!js_strict_equal(&args[0], &args[1]), out);
}

/* Each pair of neighbours: {"<":[1, x, 5]} is 1 < x < 5. */
static bool apply_order(struct run *r, const struct node *n, const struct json *args, enum js_order wanted, bool or_same,
                        struct json *out) {
    for (uint16_t i = 0; i + 1 < n->n; i++) {
        enum js_order order;
        if (!js_compare(r, n, &args[i], &args[i + 1], &order)) return false;
        if (order != wanted && !(or_same && order == JS_SAME)) return bool_out(false, out);
    }
    return bool_out(true, out);
}

static bool apply_less(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    return apply_order(r, n, args, JS_LESS, false, out);
}

static bool apply_at_most(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    return apply_order(r, n, args, JS_LESS, true, out);
}

static bool apply_greater(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    return apply_order(r, n, args, JS_GREATER, false, out);
}

static bool apply_at_least(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    return apply_order(r, n, args, JS_GREATER, true, out);
}

static bool apply_not(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    (void)r, (void)n;
    return bool_out(!expr_truthy(&args[0]), out);
}

static bool apply_truthy(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    (void)r, (void)n;
    return bool_out(expr_truthy(&args[0]), out);
}

/* numbers */

/* What + and * make of an argument: parseFloat, so null, true and "" are no numbers here. */
static bool parsed(struct run *r, const struct node *n, const struct json *v, double *out) {
    struct str text;
    if (v->type == JSON_NUMBER) {
        *out = v->number;
        return true;
    }
    if (!js_text(r, n, v, JS_NULL_TEXT, &text) || !run_spend(r, n, text.n / BYTES_PER_STEP)) return false;
    *out = js_parse_float(r->arena, text);
    return true;
}

static bool apply_plus(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    double sum = 0, x;
    for (uint16_t i = 0; i < n->n; i++) {
        if (!parsed(r, n, &args[i], &x)) return false;
        sum += x;
    }
    return number_out(r, n, sum, out);
}

static bool apply_times(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    double product = 1, x;
    for (uint16_t i = 0; i < n->n; i++) {
        if (!parsed(r, n, &args[i], &x)) return false;
        product *= x;
    }
    return number_out(r, n, product, out);
}

static bool apply_minus(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    double x, y;
    if (!js_number(r, n, &args[0], &x)) return false;
    if (n->n == 1) return number_out(r, n, -x, out);
    return js_number(r, n, &args[1], &y) && number_out(r, n, x - y, out);
}

static bool apply_divide(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    double x, y;
    return js_number(r, n, &args[0], &x) && js_number(r, n, &args[1], &y) && number_out(r, n, x / y, out);
}

static bool apply_modulo(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    double x, y;
    return js_number(r, n, &args[0], &x) && js_number(r, n, &args[1], &y) && number_out(r, n, fmod(x, y), out);
}

static bool extreme(struct run *r, const struct node *n, const struct json *args, bool largest, struct json *out) {
    double best, x;
    if (!js_number(r, n, &args[0], &best)) return false;
    for (uint16_t i = 1; i < n->n; i++) {
        if (!js_number(r, n, &args[i], &x)) return false;
        if (isnan(x) || (largest ? x > best : x < best)) best = x;
        if (isnan(best)) break;
    }
    return number_out(r, n, best, out);
}

static bool apply_min(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    return extreme(r, n, args, false, out);
}

static bool apply_max(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    return extreme(r, n, args, true, out);
}

static bool rounded(struct run *r, const struct node *n, const struct json *args, double (*how)(double), struct json *out) {
    double x;
    return js_number(r, n, &args[0], &x) && number_out(r, n, how(x), out);
}

static bool apply_floor(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    return rounded(r, n, args, floor, out);
}

static bool apply_ceil(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    return rounded(r, n, args, ceil, out);
}

static bool apply_round(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    return rounded(r, n, args, round, out);
}

static bool apply_abs(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    return rounded(r, n, args, fabs, out);
}

/* texts and arrays */

static bool apply_in(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    const struct json *all = &args[1];
    if (all->type == JSON_STRING) {
        struct str part;
        if (!js_text(r, n, &args[0], JS_NULL_TEXT, &part) || !run_spend(r, n, all->string.n / BYTES_PER_STEP)) return false;
        /* even "" is not in "" here: JsonLogic asks whether there is a text at all first */
        return bool_out(all->string.n > 0 && memmem(all->string.p, all->string.n, part.p, part.n), out);
    }
    if (all->type != JSON_ARRAY) return bool_out(false, out);
    if (!run_spend(r, n, all->n / VALUES_PER_STEP)) return false;
    for (uint32_t i = 0; i < all->n; i++)
        if (js_strict_equal(&args[0], &all->items[i])) return bool_out(true, out);
    return bool_out(false, out);
}

static bool apply_cat(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    struct buf b = buf_new(r->arena, EXPR_STRING_MAX);
    for (uint16_t i = 0; i < n->n; i++) {
        struct str part;
        if (!js_text(r, n, &args[i], JS_NULL_EMPTY, &part)) return false;
        buf_add(&b, part);
    }
    if (!buf_ok(&b)) return run_stop(r, n, "a text longer than an expression may make");
    *out = json_text(buf_str(&b));
    return run_spend(r, n, out->string.n / BYTES_PER_STEP);
}

static bool continues(char c) { return ((unsigned char)c & 0xc0) == 0x80; } /* a UTF-8 character that began before */

static double characters(struct str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) n += !continues(s.p[i]);
    return (double)n;
}

static size_t after_character(struct str s, size_t i) {
    for (i++; i < s.n && continues(s.p[i]);) i++;
    return i;
}

/* The characters from `from` on, at most `count` of them; both are whole numbers, from >= 0. */
static struct str cut(struct str s, double from, double count) {
    size_t begin = 0, end;
    for (; from > 0 && begin < s.n; from--) begin = after_character(s, begin);
    for (end = begin; count > 0 && end < s.n; count--) end = after_character(s, end);
    return (struct str){s.p + begin, end - begin};
}

static bool index_of(struct run *r, const struct node *n, const struct json *v, double *out) {
    if (!js_number(r, n, v, out)) return false;
    if (isnan(*out)) *out = 0;
    return true;
}

static bool apply_substr(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    struct str s;
    double from, count = INFINITY;
    if (!js_text(r, n, &args[0], JS_NULL_TEXT, &s) || !run_spend(r, n, s.n / BYTES_PER_STEP)) return false;
    if (!index_of(r, n, &args[1], &from) || (n->n > 2 && !index_of(r, n, &args[2], &count))) return false;
    double length = characters(s);
    from = trunc(from);
    if (from < 0) from = fmax(length + from, 0);
    if (count < 0) count = fmax(length - from, 0) + count; /* so many less than the rest */
    *out = json_text(cut(s, from, trunc(count)));
    return true;
}

static bool apply_merge(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    size_t total = 0;
    for (uint16_t i = 0; i < n->n; i++) total += args[i].type == JSON_ARRAY ? args[i].n : 1;
    if (total > EXPR_ARRAY_MAX) return run_stop(r, n, "an array longer than an expression may make");
    if (!run_spend(r, n, total / VALUES_PER_STEP)) return false;
    struct json *items = NEW_ARRAY(r->arena, struct json, total);
    uint32_t filled = 0;
    for (uint16_t i = 0; i < n->n; i++) {
        if (args[i].type != JSON_ARRAY)
            items[filled++] = args[i];
        else
            for (uint32_t k = 0; k < args[i].n; k++) items[filled++] = args[i].items[k];
    }
    *out = (struct json){.type = JSON_ARRAY, .n = filled, .items = items};
    return true;
}

/* times */

static bool clock_of(struct run *r, const struct node *n, const struct json *args, int *hour, int *day) {
    struct json t = {0};
    int64_t ms;
    size_t work = 0;
    if (n->n > 0)
        t = args[0];
    else if (!r->scope->lookup || !r->scope->lookup(r->scope->ctx, STR("event.time"), r->arena, &t, &work))
        t = (struct json){0};
    if (!run_spend(r, n, work / VALUES_PER_STEP)) return false;
    if (t.type == JSON_NUMBER && t.number >= (double)TIME_MS_MIN && t.number <= (double)TIME_MS_MAX)
        ms = (int64_t)floor(t.number);
    else if (t.type != JSON_STRING || !time_parse(t.string, &ms) || ms < TIME_MS_MIN || ms > TIME_MS_MAX)
        return run_stop(r, n, "not a time");
    zone_local(r->scope->zone ? r->scope->zone : zone_utc(), ms, hour, day);
    return true;
}

static bool apply_hour(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    int hour, day;
    return clock_of(r, n, args, &hour, &day) && number_out(r, n, hour, out);
}

static bool apply_day_of_week(struct run *r, const struct node *n, const struct json *args, struct json *out) {
    int hour, day;
    return clock_of(r, n, args, &hour, &day) && number_out(r, n, day, out);
}

/* `and` is never folded: a constant would hide which of its operands is falsy (expr_test). `if` and `or` are their own place. */
static const struct operation operations[] = {
    {"var", 0, 2, VAR, false, NULL, eval_var},
    {"missing", 0, ANY_NUMBER, MISSING, false, NULL, eval_missing},
    {"missing_some", 2, 2, MISSING_SOME, false, NULL, eval_missing_some},
    {"if", 0, ANY_NUMBER, PLAIN, true, NULL, eval_if},
    {"?:", 0, ANY_NUMBER, PLAIN, true, NULL, eval_if},
    {"and", 1, ANY_NUMBER, PLAIN, false, NULL, eval_and},
    {"or", 1, ANY_NUMBER, PLAIN, true, NULL, eval_or},
    {"filter", 2, 2, BODY, true, NULL, eval_filter},
    {"map", 2, 2, BODY, true, NULL, eval_map},
    {"reduce", 2, 3, BODY, true, NULL, eval_reduce},
    {"all", 2, 2, BODY, true, NULL, eval_all},
    {"some", 2, 2, BODY, true, NULL, eval_some},
    {"none", 2, 2, BODY, true, NULL, eval_none},
    {"rand", 2, 2, RAND, false, NULL, eval_rand},
    {"hour", 0, 1, TIME, false, apply_hour, NULL},
    {"day_of_week", 0, 1, TIME, false, apply_day_of_week, NULL},
    {"==", 2, 2, PLAIN, true, apply_equal, NULL},
    {"===", 2, 2, PLAIN, true, apply_same, NULL},
    {"!=", 2, 2, PLAIN, true, apply_unequal, NULL},
    {"!==", 2, 2, PLAIN, true, apply_not_same, NULL},
    {">", 2, 2, PLAIN, true, apply_greater, NULL},
    {">=", 2, 2, PLAIN, true, apply_at_least, NULL},
    {"<", 2, 3, PLAIN, true, apply_less, NULL},
    {"<=", 2, 3, PLAIN, true, apply_at_most, NULL},
    {"!", 1, 1, PLAIN, true, apply_not, NULL},
    {"!!", 1, 1, PLAIN, true, apply_truthy, NULL},
    {"+", 0, ANY_NUMBER, PLAIN, true, apply_plus, NULL},
    {"*", 1, ANY_NUMBER, PLAIN, true, apply_times, NULL},
    {"-", 1, 2, PLAIN, true, apply_minus, NULL},
    {"/", 2, 2, PLAIN, true, apply_divide, NULL},
    {"%", 2, 2, PLAIN, true, apply_modulo, NULL},
    {"min", 1, ANY_NUMBER, PLAIN, true, apply_min, NULL},
    {"max", 1, ANY_NUMBER, PLAIN, true, apply_max, NULL},
    {"floor", 1, 1, PLAIN, true, apply_floor, NULL},
    {"ceil", 1, 1, PLAIN, true, apply_ceil, NULL},
    {"round", 1, 1, PLAIN, true, apply_round, NULL},
    {"abs", 1, 1, PLAIN, true, apply_abs, NULL},
    {"in", 2, 2, PLAIN, true, apply_in, NULL},
    {"cat", 0, ANY_NUMBER, PLAIN, true, apply_cat, NULL},
    {"substr", 2, 3, PLAIN, true, apply_substr, NULL},
    {"merge", 0, ANY_NUMBER, PLAIN, true, apply_merge, NULL},
};
const struct operation operation_constant = {.eval = eval_constant};
const struct operation operation_list = {.eval = eval_list};

const struct operation *operation_find(struct str name) {
    for (size_t i = 0; i < COUNT(operations); i++)
        if (str_is(name, operations[i].name)) return &operations[i];
    return NULL;
}

bool operation_is_and(const struct operation *o) { return o->eval == eval_and; }
