/* cli/event_page.c: one event with all that it caused, and why not more. */
#include "cli/member_page.h"
#include "cli/text.h"

static void put_line(struct cli *c, enum colour colour, const struct buf *text, struct buf *out) {
    struct str line = text_plain(c->arena, buf_str(text));
    if (c->columns > 0) line = text_cut(c->arena, line, c->columns);
    colour_add(out, c->colours, colour, line);
    buf_c(out, '\n');
}

static struct buf begin(struct cli *c, const char *sign) {
    struct buf b = cli_buf(c);
    buf_f(&b, "    %s", sign);
    return b;
}

/* ", 500 of 500 used until 2026-11-22 00:00:00" */
static void add_cap(struct cli *c, const struct json *object, struct buf *b) {
    const struct json *cap = json_get(object, "cap");
    if (cap == NULL) return;
    buf_f(b, ", " STR_FMT " of " STR_FMT " used until " STR_FMT, STR_ARG(number_at(c->arena, cap, "used")),
          STR_ARG(number_at(c->arena, cap, "amount")), STR_ARG(text_time(c->arena, text_at(cap, "resets_at"))));
}

/* "10 × 1.5 (a streak) + 2": how the amount came to be; nothing where it simply is the base. */
static void add_steps(struct cli *c, const struct json *grant, struct buf *b) {
    const struct json *steps = json_get(grant, "steps");
    if (steps == NULL || steps->n == 0) return;
    buf_f(b, ", " STR_FMT, STR_ARG(number_at(c->arena, grant, "base")));
    for (uint32_t i = 0; i < steps->n; i++) {
        const struct json *step = &steps->items[i];
        struct str multiply = number_at(c->arena, step, "multiply"), add = number_at(c->arena, step, "add"), why = text_at(step, "why");
        if (multiply.n > 0) buf_f(b, " × " STR_FMT, STR_ARG(multiply));
        if (add.n > 0) buf_f(b, " + " STR_FMT, STR_ARG(add));
        if (why.n > 0) buf_f(b, " (" STR_FMT ")", STR_ARG(why));
    }
}

static void put_grant(struct cli *c, const struct json *grant, struct buf *out) {
    struct buf b = begin(c, "+ ");
    struct str rule = text_at(grant, "rule");
    buf_f(&b, STR_FMT " " STR_FMT "  ", STR_ARG(number_at(c->arena, grant, "amount")), STR_ARG(text_at(grant, "currency")));
    if (rule.n > 0) {
        buf_add(&b, rule);
    } else {
        buf_f(&b, STR_FMT " level " STR_FMT, STR_ARG(text_at(grant, "ladder")), STR_ARG(number_at(c->arena, grant, "level")));
    }
    add_steps(c, grant, &b);
    struct str uncapped = number_at(c->arena, grant, "uncapped");
    if (uncapped.n > 0) buf_f(&b, ", capped from " STR_FMT, STR_ARG(uncapped));
    add_cap(c, grant, &b);
    buf_f(&b, ", balance " STR_FMT, STR_ARG(number_at(c->arena, grant, "balance")));
    put_line(c, COLOUR_GREEN, &b, out);
}

static void put_level(struct cli *c, const struct json *level, struct buf *out) {
    struct buf b = begin(c, "^ ");
    struct str name = text_at(level, "name");
    buf_f(&b, STR_FMT " level " STR_FMT, STR_ARG(text_at(level, "ladder")), STR_ARG(number_at(c->arena, level, "to")));
    if (name.n > 0) buf_f(&b, " " STR_FMT, STR_ARG(name));
    buf_f(&b, ", from " STR_FMT, STR_ARG(number_at(c->arena, level, "from")));
    put_line(c, COLOUR_YELLOW, &b, out);
}

static void put_counter(struct cli *c, const struct json *counter, struct buf *out) {
    struct buf b = begin(c, "# ");
    struct str by = number_at(c->arena, counter, "by");
    buf_f(&b, STR_FMT " %s" STR_FMT " to " STR_FMT, STR_ARG(text_at(counter, "metric")), by.n > 0 && by.p[0] == '-' ? "" : "+", STR_ARG(by),
          STR_ARG(number_at(c->arena, counter, "value")));
    put_line(c, COLOUR_NONE, &b, out);
}

static void put_denial(struct cli *c, const struct json *denial, struct buf *out) {
    struct buf b = begin(c, "- ");
    struct str rule = text_at(denial, "rule"), currency = text_at(denial, "currency"), part = text_at(denial, "part");
    struct str next = text_at(denial, "next_at");
    buf_add(&b, rule.n > 0 ? rule : STR("every rule"));
    if (currency.n > 0) buf_f(&b, ", " STR_FMT, STR_ARG(currency));
    buf_f(&b, ": " STR_FMT, STR_ARG(text_at(denial, "reason")));
    if (part.n > 0) buf_f(&b, " (" STR_FMT ")", STR_ARG(part));
    add_cap(c, denial, &b);
    bool said = json_get(denial, "cap") != NULL; /* a cap says so itself */
    if (next.n > 0 && !said) buf_f(&b, ", next at " STR_FMT, STR_ARG(text_time(c->arena, next)));
    put_line(c, COLOUR_RED, &b, out);
}

static void put_each(struct cli *c, const struct json *outcome, const char *key,
                     void (*put)(struct cli *, const struct json *, struct buf *), struct buf *out) {
    const struct json *list = json_get(outcome, key);
    for (uint32_t i = 0; list != NULL && i < list->n; i++) put(c, &list->items[i], out);
}

void put_event(struct cli *c, const struct json *row, struct buf *out) {
    const struct json *event = json_get(row, "event"), *outcome = json_get(row, "outcome");
    struct buf head = cli_buf(c);
    buf_f(&head, "  " STR_FMT "  " STR_FMT "  " STR_FMT " " STR_FMT, STR_ARG(text_time(c->arena, text_at(event, "time"))),
          STR_ARG(text_at(event, "type")), STR_ARG(text_at(event, "source")), STR_ARG(text_at(event, "id")));
    put_line(c, COLOUR_NONE, &head, out);
    size_t before = out->n;
    put_each(c, outcome, "grants", put_grant, out);
    put_each(c, outcome, "levels", put_level, out);
    put_each(c, outcome, "counters", put_counter, out);
    put_each(c, outcome, "denied", put_denial, out);
    if (out->n == before) buf_z(out, "    nothing: no rule that is for it had anything to pay or to count\n");
}
