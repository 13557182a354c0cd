/* cli/tenant.c: tenants. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "service/presets.h"

/* A preset of the installation, or a document where the name has a slash. */
static bool preset_document(struct cli *c, const char *name, struct json *out) {
    if (strchr(name, '/') != NULL) return cli_document(c, name, out);
    enum problem p = preset_load(c->service, c->arena, str_of(name), out, &c->faults);
    if (p != P_OK) cli_refused(c, p);
    return p == P_OK;
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
        printf("Made tenant %s%s.\n", c->words[0], preset != NULL ? "" : ", which has no configuration yet (accolade config apply)");
        if (preset != NULL) cli_print_changes(c, &made.config, "Its configuration is at version");
    }
    return EXIT_OK;
}

int cli_tenant_list(struct cli *c) {
    static const struct column columns[] = {{"TENANT", "tenant", COLUMN_TEXT},
                                            {"STATUS", "status", COLUMN_TEXT},
                                            {"CONFIG", "config_version", COLUMN_NUMBER},
                                            {"CREATED (UTC)", "created_at", COLUMN_TIME}};
    struct tenant_row *rows;
    size_t n;
    enum problem p = tenants_all(c->service, c->arena, &rows, &n, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    struct buf b = cli_buf(c);
    struct json_writer w = json_writer_of(&b);
    struct json list;
    json_open_array(&w);
    for (size_t i = 0; i < n; i++) tenant_render(&w, &rows[i]);
    json_close_array(&w);
    if (c->json) {
        cli_print(buf_str(&b));
    } else if (cli_read_back(c, buf_str(&b), &list)) {
        cli_table(c, columns, COUNT(columns), &list, "There are no tenants yet (accolade tenant create).");
    }
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
