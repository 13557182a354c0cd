#include "cli/member_page.h"

#include "cli/text.h"

enum { INDENT = 2 };

static void put_title(struct cli *c, const char *title, struct buf *out) {
    buf_c(out, '\n');
    colour_add(out, c->colours, COLOUR_BOLD, str_of(title));
    buf_c(out, '\n');
}

/* ---- who it is ---- */

static void put_field(struct cli *c, const char *name, struct str value, struct buf *out) {
    if (value.n == 0) return;
    struct str line = str_printf(c->arena, "  %-12s " STR_FMT, name, STR_ARG(text_plain(c->arena, value)));
    buf_add(out, c->columns > 0 ? text_cut(c->arena, line, c->columns) : line);
    buf_c(out, '\n');
}

static void put_who(struct cli *c, const struct json *state, struct buf *out) {
    struct str status = text_at(state, "status");
    struct str head = str_printf(c->arena, STR_FMT " of %s", STR_ARG(text_at(state, "member")), c->words[0]);
    colour_add(out, c->colours, COLOUR_BOLD, text_plain(c->arena, head));
    if (!str_is(status, "active")) {
        buf_c(out, ' ');
        colour_add(out, c->colours, COLOUR_RED, status);
    }
    buf_c(out, '\n');
    put_field(c, "name", text_at(state, "display_name"), out);
    put_field(c, "status", status, out);
    put_field(c, "type", text_at(state, "type"), out);
    const char *whose = str_is(text_at(state, "zone_now_of"), "tenant") ? " (the tenant's)" : "";
    struct str zone = str_printf(c->arena, STR_FMT "%s", STR_ARG(text_at(state, "zone_now")), whose), from = text_at(state, "zone_from");
    if (from.n > 0) {
        struct str next = text_at(state, "zone");
        zone = str_printf(c->arena, STR_FMT "; from " STR_FMT " UTC on: " STR_FMT, STR_ARG(zone), STR_ARG(text_time(c->arena, from)),
                          STR_ARG(next.n > 0 ? next : STR("the tenant's")));
    }
    put_field(c, "zone", zone, out);
    const struct json *groups = json_get(state, "groups"), *attributes = json_get(state, "attributes");
    if (groups->n > 0) put_field(c, "groups", json_to_text(c->arena, groups), out);
    if (attributes->n > 0) put_field(c, "attributes", json_to_text(c->arena, attributes), out);
    struct str version = number_at(c->arena, state, "version");
    struct str number = str_printf(c->arena, STR_FMT ", version " STR_FMT, STR_ARG(text_at(state, "member_no")), STR_ARG(version));
    put_field(c, "number", number, out);
}

/* ---- what it has ---- */

static void put_table(struct cli *c, const struct table *t, const char *none, struct buf *out) {
    struct table_style style = {.columns = c->columns, .indent = INDENT, .none = none, .colours = c->colours};
    table_write(t, &style, out);
}

static void put_points(struct cli *c, const struct json *profile, struct buf *out) {
    static const struct column columns[] = {{"CURRENCY", "currency", COLUMN_TEXT},     {"BALANCE", "balance", COLUMN_NUMBER},
                                            {"HELD", "held", COLUMN_NUMBER},           {"AVAILABLE", "available", COLUMN_NUMBER},
                                            {"TODAY", "earned_today", COLUMN_NUMBER},  {"EARNED", "lifetime_earned", COLUMN_NUMBER},
                                            {"SPENT", "lifetime_spent", COLUMN_NUMBER}};
    struct table t = table_of(c->arena, columns, COUNT(columns));
    put_title(c, "Wallets", out);
    table_add_rows(&t, json_get(profile, "points"));
    put_table(c, &t, "none", out);
}

static void put_levels(struct cli *c, const struct json *profile, struct buf *out) {
    static const struct column columns[] = {
        {"LADDER", "ladder", COLUMN_TEXT},          {"LEVEL", "level", COLUMN_NUMBER},        {"NAME", "name", COLUMN_TEXT},
        {"IN LEVEL", "xp_in_level", COLUMN_NUMBER}, {"TO NEXT", "xp_to_next", COLUMN_NUMBER}, {"%", "progress", COLUMN_NUMBER},
        {"PRIVILEGES", "privileges", COLUMN_LONG}};
    struct table t = table_of(c->arena, columns, COUNT(columns));
    put_title(c, "Levels", out);
    table_add_rows(&t, json_get(profile, "levels"));
    put_table(c, &t, "none", out);
}

static void put_counters(struct cli *c, const struct json *state, struct buf *out) {
    static const struct column columns[] = {{"COUNTER", "what", COLUMN_TEXT},
                                            {"OF", "of", COLUMN_TEXT},
                                            {"PERIOD", "period", COLUMN_TEXT},
                                            {"SINCE (UTC)", "start", COLUMN_TIME},
                                            {"VALUE", "value", COLUMN_NUMBER}};
    const struct json *counters = json_get(state, "counters");
    struct table t = table_of(c->arena, columns, COUNT(columns));
    put_title(c, "Counters", out);
    for (uint32_t i = 0; i < counters->n; i++) {
        const struct json *row = &counters->items[i], *value = json_get(row, "value");
        for (size_t k = 0; k + 1 < COUNT(columns); k++) table_add_json(&t, json_get(row, columns[k].key));
        if (value->type == JSON_STRING) { /* a cooldown's is a time */
            table_add(&t, text_time(c->arena, value->string));
        } else {
            table_add_json(&t, value);
        }
    }
    put_table(c, &t, "none", out);
}

void put_member_page(struct cli *c, const struct member_page *page, struct buf *out) {
    const struct json *events = json_get(&page->events, "data");
    put_who(c, &page->state, out);
    put_points(c, &page->profile, out);
    put_levels(c, &page->profile, out);
    put_counters(c, &page->state, out);
    put_title(c, "Last events, last settled first (UTC)", out);
    if (events->n == 0) buf_z(out, "  none\n");
    for (uint32_t i = 0; i < events->n; i++) put_event(c, &events->items[i], out);
}
