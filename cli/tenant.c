/* cli/tenant.c: tenants and configurations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "service/config.h"

static void print_changes(struct cli *c, const struct config_result *r, const char *head) {
    if (c->json) {
        struct buf b = cli_buf(c);
        struct json_writer w = json_writer_of(&b);
        config_result_render(&w, r, false);
        cli_print(buf_str(&b));
        return;
    }
    for (size_t i = 0; i < r->n_changes; i++) {
        const struct config_change *x = &r->changes[i];
        printf("  %s  " STR_FMT " " STR_FMT "\n", change_made_name(x->what), STR_ARG(x->kind), STR_ARG(x->code));
    }
    if (r->n_changes == 0) puts("  nothing differs");
    printf("%s %llu\n", head, (unsigned long long)r->version);
}

/* The document of a preset: presets_dir/NAME/config.json, or a path where the name has a slash. */
static bool preset_document(struct cli *c, const char *name, struct json *out) {
    struct str path = strchr(name, '/') != NULL ? str_of(name) : str_printf(c->arena, "%s/%s/config.json", c->settings.presets_dir, name);
    return cli_document(c, str_z(c->arena, path), out);
}

int cli_tenant_create(struct cli *c) {
    struct json document;
    const char *preset = cli_value(c, "preset");
    if (preset != NULL && !preset_document(c, preset, &document)) return EXIT_WRONG;
    struct tenant_made made = {0};
    struct write_answer answer;
    enum problem p = tenant_create(c->service, c->arena, str_of(c->words[0]), preset != NULL ? &document : NULL, STR("command"), NULL,
                                   clock_now_ms(), &made, &answer, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    if (c->json) {
        cli_print(answer.body);
    } else {
        printf("Made tenant %s.\n", c->words[0]);
        print_changes(c, &made.config, "Its configuration is at version");
    }
    return EXIT_OK;
}

int cli_tenant_list(struct cli *c) {
    struct tenant_row *rows;
    size_t n;
    enum problem p = tenants_all(c->service, c->arena, &rows, &n, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    struct buf b = cli_buf(c);
    struct json_writer w = json_writer_of(&b);
    json_open_array(&w);
    if (!c->json) printf("%-24s %-10s %8s  %s\n", "TENANT", "STATUS", "CONFIG", "CREATED");
    for (size_t i = 0; i < n; i++) {
        tenant_render(&w, &rows[i]);
        if (c->json) continue;
        struct str created = time_text(c->arena, rows[i].created_at);
        printf("%-24.*s %-10s %8llu  " STR_FMT "\n", STR_ARG(rows[i].code), rows[i].status == TENANT_SUSPENDED ? "suspended" : "active",
               (unsigned long long)rows[i].config_version, STR_ARG(created));
    }
    json_close_array(&w);
    if (c->json) cli_print(buf_str(&b));
    return EXIT_OK;
}

static int set_suspended(struct cli *c, bool suspended) {
    struct tenant_row t;
    struct write_answer answer;
    if (!cli_tenant(c, c->words[0], &t)) return EXIT_WRONG;
    enum problem p = tenant_suspend(c->service, c->arena, &t, suspended, STR("command"), NULL, clock_now_ms(), &answer, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    if (c->json) {
        cli_print(answer.body);
    } else {
        printf("Tenant %s is %s.\n", c->words[0], suspended ? "suspended" : "active");
    }
    return EXIT_OK;
}

int cli_tenant_suspend(struct cli *c) { return set_suspended(c, true); }
int cli_tenant_restore(struct cli *c) { return set_suspended(c, false); }

/* ---- configuration ---- */

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
    cli_print(text);
    return EXIT_OK;
}

int cli_config_validate(struct cli *c) {
    struct tenant_row t;
    struct json document;
    struct config_result r;
    if (!cli_tenant(c, c->words[0], &t) || !cli_document(c, c->words[1], &document)) return EXIT_WRONG;
    enum problem p = config_plan(c->service, c->arena, t.id, &document, &r, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    print_changes(c, &r, "Valid. Applied, it would be version");
    return EXIT_OK;
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
    struct config_write write = {.tenant = t.id, .from = (uint64_t)from, .actor = STR("command"), .now_ms = clock_now_ms()};
    struct write_answer answer;
    enum problem p = config_apply(c->service, c->arena, &write, &document, &r, &answer, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    print_changes(c, &r, "The configuration is at version");
    return EXIT_OK;
}
