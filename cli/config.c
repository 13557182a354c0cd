/* cli/config.c: configurations as documents: exported, planned, applied, rolled back, and how they came to be. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/changes.h"
#include "cli/cli.h"
#include "cli/text.h"

enum { VERSIONS_SHOWN = 20, VERSIONS_SHOWN_MAX = 1000 };

static void print_result(struct cli *c, const struct config_result *r, bool texts) {
    struct buf b = cli_buf(c);
    struct json_writer w = json_writer_of(&b);
    config_result_render(&w, r, texts);
    cli_print(buf_str(&b));
}

void cli_print_changes(struct cli *c, const struct config_result *r, const char *head) {
    if (c->json) {
        print_result(c, r, false);
        return;
    }
    for (size_t i = 0; i < r->n_changes; i++) {
        const struct config_change *x = &r->changes[i];
        printf("  %s  " STR_FMT " " STR_FMT "\n", change_made_name(x->what), STR_ARG(x->kind), STR_ARG(x->code));
    }
    if (r->n_changes == 0) puts("  nothing differs");
    printf("%s %llu\n", head, (unsigned long long)r->version);
}

int cli_config_export(struct cli *c) {
    struct tenant_row t;
    if (!cli_tenant(c, c->words[0], &t)) return EXIT_WRONG;
    int64_t version = (int64_t)t.config_version;
    const char *wanted = cli_value(c, "version");
    if (wanted != NULL && !str_to_i64(str_of(wanted), 0, version, &version)) {
        return cli_usage("--version must be a number from 0 to %llu", (unsigned long long)t.config_version);
    }
    struct str text;
    enum problem p = config_export(c->service, c->arena, t.id, (uint64_t)version, &text, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    struct buf b = buf_new(c->arena, CONFIG_BYTES_MAX); /* what is larger could not be applied again */
    put_indented(&b, text);
    cli_print(c->json || !buf_ok(&b) ? text : buf_str(&b));
    return EXIT_OK;
}

/* ---- what would change ---- */

/* What applying the document of TENANT FILE would change; else what is wrong is printed. */
static bool plan(struct cli *c, struct tenant_row *t, struct config_result *r) {
    struct json document;
    if (!cli_tenant(c, c->words[0], t) || !cli_document(c, c->words[1], &document)) return false;
    enum problem p = config_plan(c->service, c->arena, t->id, FROM_UNSAID, &document, r, &c->faults);
    if (p != P_OK) cli_refused(c, p);
    return p == P_OK;
}

int cli_config_validate(struct cli *c) {
    struct tenant_row t;
    struct config_result r;
    if (!plan(c, &t, &r)) return EXIT_WRONG;
    cli_print_changes(c, &r, "Valid. Applied, it would be version");
    return EXIT_OK;
}

int cli_config_plan(struct cli *c) {
    struct tenant_row t;
    struct config_result r;
    if (!plan(c, &t, &r)) return EXIT_WRONG;
    if (c->json) {
        print_result(c, &r, true);
        return EXIT_OK;
    }
    struct buf b = cli_buf(c);
    size_t made[] = {[CHANGE_CREATED] = 0, [CHANGE_CHANGED] = 0, [CHANGE_DELETED] = 0};
    for (size_t i = 0; i < r.n_changes; i++) {
        put_change(c, &r.changes[i], &b);
        buf_c(&b, '\n');
        made[r.changes[i].what]++;
    }
    if (r.n_changes == 0) {
        buf_f(&b, "Nothing differs from version %llu.\n", (unsigned long long)t.config_version);
    } else {
        buf_f(&b, "%zu created, %zu changed, %zu deleted. Applied, version %llu would become version %llu.\n", made[CHANGE_CREATED],
              made[CHANGE_CHANGED], made[CHANGE_DELETED], (unsigned long long)t.config_version, (unsigned long long)r.version);
    }
    cli_write(&b);
    return EXIT_OK;
}

/* ---- changing ---- */

static struct config_write writer(const struct tenant_row *t, uint64_t from) {
    return (struct config_write){.tenant = t->id, .from = from, .actor = STR("command"), .now_ms = clock_now_ms()};
}

int cli_config_apply(struct cli *c) {
    struct tenant_row t;
    struct json document;
    struct config_result r;
    if (!cli_tenant(c, c->words[0], &t) || !cli_document(c, c->words[1], &document)) return EXIT_WRONG;
    int64_t from = (int64_t)t.config_version;
    const struct json *version = json_get(&document, "version");
    if (version != NULL && !json_is_integer(version, 0, JSON_INTEGER_MAX, &from)) {
        return cli_refused(c, fault_add(&c->faults, P_VALIDATION, STR("/version"), "must be a whole number"));
    }
    struct config_write write = writer(&t, (uint64_t)from);
    struct write_answer answer;
    enum problem p = config_apply(c->service, c->arena, &write, &document, &r, &answer, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    cli_print_changes(c, &r, "The configuration is at version");
    return EXIT_OK;
}

int cli_config_rollback(struct cli *c) {
    struct tenant_row t;
    struct config_result r;
    struct write_answer answer;
    int64_t to;
    if (!str_to_i64(str_of(c->words[1]), 0, JSON_INTEGER_MAX, &to))
        return cli_usage("VERSION must be a number: config versions lists them");
    if (!cli_tenant(c, c->words[0], &t)) return EXIT_WRONG;
    struct config_write write = writer(&t, t.config_version);
    enum problem p = config_rollback(c->service, c->arena, &write, (uint64_t)to, &r, &answer, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    cli_print_changes(c, &r, "The configuration is at version");
    return EXIT_OK;
}

/* ---- how it came to be ---- */

int cli_config_versions(struct cli *c) {
    static const struct column columns[] = {
        {"VERSION", "version", COLUMN_NUMBER}, {"MADE (UTC)", "created_at", COLUMN_TIME}, {"BY", "actor", COLUMN_LONG}};
    struct tenant_row t;
    struct str text;
    struct json page;
    int64_t limit = VERSIONS_SHOWN;
    const char *wanted = cli_value(c, "limit");
    if (wanted != NULL && !str_to_i64(str_of(wanted), 1, VERSIONS_SHOWN_MAX, &limit))
        return cli_usage("--limit must be a number from 1 to %d", VERSIONS_SHOWN_MAX);
    if (!cli_tenant(c, c->words[0], &t)) return EXIT_WRONG;
    enum problem p = config_versions(c->service, c->arena, &t, STR(""), (size_t)limit, &text, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    if (c->json) {
        cli_print(text);
    } else if (cli_read_back(c, text, &page)) {
        cli_table(c, columns, COUNT(columns), json_get(&page, "data"), "The tenant has no configuration yet (accolade config apply).");
        if (json_get(&page, "next_cursor")->type != JSON_NULL) puts("There are older ones (--limit).");
    }
    return EXIT_OK;
}

/* All pages as one list. */
static bool read_history(struct cli *c, const struct tenant_row *t, struct json *all) {
    LIST(struct json) rows = {0};
    struct str cursor = STR("");
    do {
        struct str text;
        struct json page;
        enum problem p =
            config_history(c->service, c->arena, t, str_of(c->words[1]), str_of(c->words[2]), cursor, PAGE_MAX, &text, &c->faults);
        if (p != P_OK) return cli_refused(c, p), false;
        if (!cli_read_back(c, text, &page)) return false;
        const struct json *data = json_get(&page, "data"), *next = json_get(&page, "next_cursor");
        for (uint32_t i = 0; i < data->n; i++) *LIST_PUSH(c->arena, &rows) = data->items[i];
        cursor = next->type == JSON_STRING ? next->string : STR("");
    } while (cursor.n > 0);
    *all = (struct json){.type = JSON_ARRAY, .n = (uint32_t)rows.n, .items = rows.items};
    return true;
}

int cli_config_history(struct cli *c) {
    struct tenant_row t;
    struct json rows;
    if (!cli_tenant(c, c->words[0], &t) || !read_history(c, &t, &rows)) return EXIT_WRONG;
    if (c->json) {
        const struct json_member page[] = {{STR("data"), rows}, {STR("next_cursor"), {.type = JSON_NULL}}};
        cli_print(json_to_text(c->arena, &(struct json){.type = JSON_OBJECT, .n = COUNT(page), .members = page}));
    } else {
        struct buf b = cli_buf(c);
        put_history(c, &rows, &b);
        cli_write(&b);
    }
    return EXIT_OK;
}
