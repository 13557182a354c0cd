/* cli/key.c: API keys. A secret is printed once, when it is made. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "service/keys.h"

static struct key_write writer(tenant_id t) { return (struct key_write){.tenant = t, .actor = STR("command"), .now_ms = clock_now_ms()}; }

static int print_made(struct cli *c, enum problem p, const struct write_answer *answer) {
    struct json v;
    if (p != P_OK) return cli_refused(c, p);
    if (c->json || json_parse(c->arena, answer->body, &v, &c->faults) != P_OK) {
        cli_print(answer->body);
        return EXIT_OK;
    }
    const struct json *scopes = json_get(&v, "scopes");
    printf("Key " STR_FMT " (", STR_ARG(json_get(&v, "key_id")->string));
    for (uint32_t i = 0; i < scopes->n; i++) printf("%s" STR_FMT, i > 0 ? "," : "", STR_ARG(scopes->items[i].string));
    fputs("). ", stdout);
    const struct json *former = json_get(&v, "former_until");
    if (former->type == JSON_STRING) printf("The former secret is valid until " STR_FMT ". ", STR_ARG(former->string));
    puts("Keep its text now; it is not shown again:");
    cli_print(json_get(&v, "key")->string);
    return EXIT_OK;
}

static bool name_of(struct cli *c, struct str *out) {
    *out = str_of(cli_value(c, "name"));
    if (out->n <= NAME_BYTES_MAX && str_is_utf8(*out) && !str_has_control(*out)) return true;
    cli_usage("--name must be at most %d bytes of plain text", NAME_BYTES_MAX);
    return false;
}

int cli_key_create(struct cli *c) {
    struct tenant_row t;
    struct str name;
    uint32_t scopes = SCOPES_TENANT;
    int64_t expires = 0;
    const char *wanted = cli_value(c, "scopes"), *ends = cli_value(c, "expires");
    if (wanted != NULL && !scopes_parse(str_of(wanted), &scopes)) {
        struct str all = scopes_text(c->arena, SCOPES_TENANT | SCOPE_PUBLIC);
        return cli_usage("--scopes takes all, or some of " STR_FMT, STR_ARG(all));
    }
    if (ends != NULL && (!time_parse(str_of(ends), &expires) || expires <= clock_now_ms()))
        return cli_usage("--expires must be a time to come, e.g. 2027-01-01T00:00:00Z");
    if (!name_of(c, &name)) return EXIT_USAGE;
    if (!cli_tenant(c, c->words[0], &t)) return EXIT_WRONG;
    struct key_write w = writer(t.id);
    struct write_answer answer;
    return print_made(c, key_create(c->service, c->arena, &w, name, scopes, expires, &answer, &c->faults), &answer);
}

int cli_operator_key_create(struct cli *c) {
    struct str name;
    if (!name_of(c, &name)) return EXIT_USAGE;
    struct key_write w = writer((tenant_id){0});
    struct write_answer answer;
    return print_made(c, key_create(c->service, c->arena, &w, name, SCOPE_OPERATOR, 0, &answer, &c->faults), &answer);
}

int cli_key_rotate(struct cli *c) {
    struct tenant_row t;
    int64_t overlap = 86400;
    const char *wanted = cli_value(c, "overlap");
    if (wanted != NULL && !str_to_i64(str_of(wanted), 0, 90 * 86400, &overlap)) return cli_usage("--overlap must be 0 to 7776000 seconds");
    if (!cli_tenant(c, c->words[0], &t)) return EXIT_WRONG;
    struct key_write w = writer(t.id);
    struct write_answer answer;
    return print_made(c, key_rotate_secret(c->service, c->arena, &w, str_of(c->words[1]), overlap * MS_SECOND, &answer, &c->faults),
                      &answer);
}

static int revoke(struct cli *c, tenant_id t, const char *key_id) {
    struct key_write w = writer(t);
    struct write_answer answer;
    enum problem p = key_end(c->service, c->arena, &w, str_of(key_id), &answer, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    if (!c->json) printf("Key %s is revoked.\n", key_id);
    if (c->json) printf("{\"key_id\":\"%s\",\"revoked\":true}\n", key_id);
    return EXIT_OK;
}

int cli_key_revoke(struct cli *c) {
    struct tenant_row t;
    return cli_tenant(c, c->words[0], &t) ? revoke(c, t.id, c->words[1]) : EXIT_WRONG;
}

int cli_operator_key_revoke(struct cli *c) { return revoke(c, (tenant_id){0}, c->words[0]); }

static int list_keys(struct cli *c, tenant_id t, const char *none) {
    static const struct column columns[] = {{"KEY", "key_id", COLUMN_TEXT},
                                            {"STATUS", "status", COLUMN_TEXT},
                                            {"CREATED (UTC)", "created_at", COLUMN_TIME},
                                            {"EXPIRES (UTC)", "expires_at", COLUMN_TIME},
                                            {"FORMER SECRET UNTIL", "former_until", COLUMN_TIME},
                                            {"NAME", "name", COLUMN_TEXT},
                                            {"SCOPES", "scopes", COLUMN_LONG}};
    struct key_row *rows;
    size_t n;
    enum problem p = keys_of(c->service, c->arena, t, &rows, &n, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    struct buf b = cli_buf(c);
    struct json_writer w = json_writer_of(&b);
    struct json list;
    json_open_array(&w);
    bool rotating = false;
    for (size_t i = 0; i < n; i++) {
        key_render(&w, &rows[i], clock_now_ms());
        rotating = rotating || str_is(str_of(key_status(&rows[i], clock_now_ms())), "rotating");
    }
    json_close_array(&w);
    if (c->json) {
        cli_print(buf_str(&b));
    } else if (cli_read_back(c, buf_str(&b), &list)) {
        struct column shown[COUNT(columns)];
        size_t n_shown = 0;
        for (size_t i = 0; i < COUNT(columns); i++) {
            if (rotating || strcmp(columns[i].key, "former_until") != 0) shown[n_shown++] = columns[i];
        }
        cli_table(c, shown, n_shown, &list, none);
    }
    return EXIT_OK;
}

int cli_key_list(struct cli *c) {
    struct tenant_row t;
    if (!cli_tenant(c, c->words[0], &t)) return EXIT_WRONG;
    return list_keys(c, t.id, "The tenant has no keys yet (accolade key create).");
}

int cli_operator_key_list(struct cli *c) {
    return list_keys(c, (tenant_id){0}, "There are no operators' keys yet (accolade operator-key create).");
}
