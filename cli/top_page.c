#include "cli/top_page.h"

#include "cli/text.h"

/* ---- texts of single figures ---- */

/* 0.42 → "0.4", 12.3 → "12.3", 1234.5 → "1234": what one can take in while it moves. */
static struct str short_number(struct arena *a, const struct json *v) {
    if (v == NULL || v->type != JSON_NUMBER) return STR("-");
    return str_printf(a, v->number >= 100 || v->number == 0 ? "%.0f" : "%.1f", v->number);
}

static struct str milliseconds(struct arena *a, const struct json *durations, const char *which) {
    const struct json *v = json_get(durations, which);
    if (v == NULL || v->type != JSON_NUMBER) return STR("-");
    return str_printf(a, v->number >= 100 ? "%.0f" : "%.2f", v->number);
}

static struct str long_time(struct arena *a, double seconds) {
    long long s = (long long)seconds;
    if (s >= 86400) return str_printf(a, "%lld d %lld h", s / 86400, s % 86400 / 3600);
    if (s >= 3600) return str_printf(a, "%lld h %lld min", s / 3600, s % 3600 / 60);
    return s >= 60 ? str_printf(a, "%lld min %lld s", s / 60, s % 60) : str_printf(a, "%lld s", s);
}

static double number_of(const struct json *object, const char *key) {
    const struct json *v = json_get(object, key);
    return v != NULL && v->type == JSON_NUMBER ? v->number : 0;
}

/* ---- lines ---- */

static void put_probe(struct cli *c, const struct json *sample, const char *which, struct buf *out) {
    const struct json *probe = json_get(sample, which);
    struct str state = text_at(probe, "state");
    enum colour colour = str_is(state, "ok") ? COLOUR_GREEN : str_is(state, "away") ? COLOUR_RED : COLOUR_DIM;
    buf_f(out, "%s ", which);
    colour_add(out, c->colours, colour, str_is(state, "none") ? STR("not set") : state);
    if (json_get(probe, "age_s")->type == JSON_NUMBER) buf_f(out, " (%.1f s ago)", number_of(probe, "age_s"));
}

static void put_head(struct cli *c, const struct json *sample, struct buf *out) {
    int64_t taken, started;
    struct str up = STR("-");
    if (time_parse(text_at(sample, "taken_at"), &taken) && time_parse(text_at(sample, "started_at"), &started)) {
        up = long_time(c->arena, (double)(taken - started) / 1000);
    }
    colour_add(out, c->colours, COLOUR_BOLD, STR("accolade"));
    buf_f(out, "  " STR_FMT " UTC   pool " STR_FMT ", up " STR_FMT "\n", STR_ARG(text_time(c->arena, text_at(sample, "taken_at"))),
          STR_ARG(number_at(c->arena, sample, "master")), STR_ARG(up));
    put_probe(c, sample, "database", out);
    buf_z(out, "   ");
    put_probe(c, sample, "memcached", out);
    buf_c(out, '\n');
}

static void put_table(struct cli *c, const struct table *t, struct buf *out) {
    struct table_style style = {.columns = c->columns, .none = "", .colours = c->colours};
    buf_c(out, '\n');
    table_write(t, &style, out);
}

static void put_workers(struct cli *c, const struct json *pools, struct buf *out) {
    static const struct column columns[] = {
        {"WORKERS", NULL, COLUMN_TEXT}, {"READY", NULL, COLUMN_NUMBER},   {"BUSY", NULL, COLUMN_NUMBER},   {"STARTED", NULL, COLUMN_NUMBER},
        {"DIED", NULL, COLUMN_NUMBER},  {"WAITING", NULL, COLUMN_NUMBER}, {"IN WORK", NULL, COLUMN_NUMBER}};
    struct table t = table_of(c->arena, columns, COUNT(columns));
    for (uint32_t i = 0; i < pools->n; i++) {
        const struct json *pool = &pools->items[i], *workers = json_get(pool, "workers");
        table_add_json(&t, json_get(pool, "pool"));
        table_add(&t, str_printf(c->arena, "%.0f of %.0f", number_of(workers, "ready"), number_of(workers, "wanted")));
        table_add_json(&t, json_get(workers, "busy"));
        table_add_json(&t, json_get(workers, "starts"));
        table_add_json(&t, json_get(workers, "deaths"));
        table_add_json(&t, json_get(pool, "waiting"));
        table_add_json(&t, json_get(pool, "held"));
    }
    put_table(c, &t, out);
}

static void add_durations(struct cli *c, struct table *t, const struct json *figures) {
    static const char *const which[] = {"mean", "p50", "p95", "p99"};
    const struct json *durations = json_get(figures, "duration_ms");
    for (size_t i = 0; i < COUNT(which); i++) table_add(t, milliseconds(c->arena, durations, which[i]));
}

static void put_now(struct cli *c, const struct json *pools, struct buf *out) {
    static const struct column columns[] = {
        {"NOW", NULL, COLUMN_TEXT},     {"REQ/S", NULL, COLUMN_NUMBER}, {"EVENTS/S", NULL, COLUMN_NUMBER}, {"SETS/S", NULL, COLUMN_NUMBER},
        {"4XX/S", NULL, COLUMN_NUMBER}, {"5XX/S", NULL, COLUMN_NUMBER}, {"MEAN MS", NULL, COLUMN_NUMBER},  {"P50", NULL, COLUMN_NUMBER},
        {"P95", NULL, COLUMN_NUMBER},   {"P99", NULL, COLUMN_NUMBER}};
    static const char *const rates[] = {"requests_per_s", "events_per_s", "sets_per_s", "refused_per_s", "failed_per_s"};
    struct table t = table_of(c->arena, columns, COUNT(columns));
    for (uint32_t i = 0; i < pools->n; i++) {
        const struct json *now = json_get(&pools->items[i], "now");
        table_add_json(&t, json_get(&pools->items[i], "pool"));
        for (size_t k = 0; k < COUNT(rates); k++) table_add(&t, short_number(c->arena, json_get(now, rates[k])));
        add_durations(c, &t, now);
    }
    put_table(c, &t, out);
}

static void put_totals(struct cli *c, const struct json *pools, struct buf *out) {
    static const struct column columns[] = {
        {"TOTAL", NULL, COLUMN_TEXT}, {"REQUESTS", NULL, COLUMN_NUMBER}, {"EVENTS", NULL, COLUMN_NUMBER},  {"SETS", NULL, COLUMN_NUMBER},
        {"4XX", NULL, COLUMN_NUMBER}, {"5XX", NULL, COLUMN_NUMBER},      {"MEAN MS", NULL, COLUMN_NUMBER}, {"P50", NULL, COLUMN_NUMBER},
        {"P95", NULL, COLUMN_NUMBER}, {"P99", NULL, COLUMN_NUMBER}};
    static const char *const counts[] = {"requests", "events", "sets", "refused", "failed"};
    struct table t = table_of(c->arena, columns, COUNT(columns));
    for (uint32_t i = 0; i < pools->n; i++) {
        const struct json *total = json_get(&pools->items[i], "total");
        table_add_json(&t, json_get(&pools->items[i], "pool"));
        for (size_t k = 0; k < COUNT(counts); k++) table_add_json(&t, json_get(total, counts[k]));
        add_durations(c, &t, total);
    }
    put_table(c, &t, out);
}

/* Only the pool whose workers take several requests at once has sizes that say something. */
static void put_set_sizes(struct cli *c, const struct json *pools, struct buf *out) {
    static const struct column columns[] = {{"SETS OF", NULL, COLUMN_TEXT}, {"1", NULL, COLUMN_NUMBER},   {"2", NULL, COLUMN_NUMBER},
                                            {"3-4", NULL, COLUMN_NUMBER},   {"5-8", NULL, COLUMN_NUMBER}, {"9-16", NULL, COLUMN_NUMBER}};
    struct table t = table_of(c->arena, columns, COUNT(columns));
    for (uint32_t i = 0; i < pools->n; i++) {
        const struct json *sizes = json_get(json_get(&pools->items[i], "total"), "set_sizes");
        if (!str_is(text_at(&pools->items[i], "pool"), "events") || sizes->n + 1 != COUNT(columns)) continue;
        table_add_json(&t, json_get(&pools->items[i], "pool"));
        for (uint32_t k = 0; k < sizes->n; k++) table_add_json(&t, json_get(&sizes->items[k], "sets"));
    }
    put_table(c, &t, out);
}

void put_top_page(struct cli *c, const struct json *sample, struct buf *out) {
    const struct json *pools = json_get(sample, "pools");
    put_head(c, sample, out);
    put_workers(c, pools, out);
    put_now(c, pools, out);
    put_totals(c, pools, out);
    put_set_sizes(c, pools, out);
}
