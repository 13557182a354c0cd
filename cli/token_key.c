/* cli/token_key.c: the keys that a tenant's back end signs member tokens with. A secret that is made here is printed once. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "service/tokens.h"

enum { KEY_FILE_BYTES_MAX = 16 * 1024 };

static struct key_write writer(tenant_id t) { return (struct key_write){.tenant = t, .actor = STR("command"), .now_ms = clock_now_ms()}; }

/* Without the white space at its end. */
static bool read_key(struct cli *c, const char *path, struct str *out) {
    if (!cli_text(c, path, KEY_FILE_BYTES_MAX, "is larger than a key", out)) return false;
    while (out->n > 0 && strchr(" \t\r\n", out->p[out->n - 1]) != NULL) out->n--;
    if (out->n == 0) fprintf(stderr, "accolade: %s: is empty\n", path);
    return out->n > 0;
}

static int print_made(struct cli *c, enum problem p, const struct write_answer *answer) {
    struct json v;
    if (p != P_OK) return cli_refused(c, p);
    if (c->json || json_parse(c->arena, answer->body, &v, &c->faults) != P_OK) {
        cli_print(answer->body);
        return EXIT_OK;
    }
    struct str kid = json_get(&v, "kid")->string;
    const struct json *secret = json_get(&v, "secret");
    printf("Token key " STR_FMT " (" STR_FMT "). Its tokens have \"kid\":\"" STR_FMT "\" in their header.\n", STR_ARG(kid),
           STR_ARG(json_get(&v, "algorithm")->string), STR_ARG(kid));
    if (secret->type == JSON_STRING) {
        puts("Keep its secret now; it is not shown again (base64url):");
        cli_print(secret->string);
    }
    return EXIT_OK;
}

int cli_token_key_create(struct cli *c) {
    const char *algorithm = cli_value(c, "algorithm"), *public_key = cli_value(c, "public-key"), *secret = cli_value(c, "secret-file");
    struct token_key_in in = {.name = str_of(cli_value(c, "name"))};
    struct tenant_row t;
    if (algorithm == NULL || !jwt_algorithm_of(str_of(algorithm), &in.algorithm))
        return cli_usage("--algorithm takes HS256, RS256, ES256 or EdDSA");
    if (in.algorithm == JWT_HS256 ? public_key != NULL : public_key == NULL || secret != NULL)
        return cli_usage("HS256 takes --secret-file or makes a secret; the others need --public-key");
    if (in.name.n > NAME_BYTES_MAX || !str_is_utf8(in.name) || str_has_control(in.name))
        return cli_usage("--name must be at most %d bytes of plain text", NAME_BYTES_MAX);
    if (public_key != NULL && !read_key(c, public_key, &in.public_key)) return EXIT_WRONG;
    if (secret != NULL && !read_key(c, secret, &in.secret)) return EXIT_WRONG;
    if (!cli_tenant(c, c->words[0], &t)) return EXIT_WRONG;
    struct key_write w = writer(t.id);
    struct write_answer answer;
    return print_made(c, token_key_create(c->service, c->arena, &w, &in, &answer, &c->faults), &answer);
}

int cli_token_key_revoke(struct cli *c) {
    struct tenant_row t;
    if (!cli_tenant(c, c->words[0], &t)) return EXIT_WRONG;
    struct key_write w = writer(t.id);
    struct write_answer answer;
    enum problem p = token_key_end(c->service, c->arena, &w, str_of(c->words[1]), &answer, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    if (!c->json) printf("Token key %s is revoked, and every token that it signed.\n", c->words[1]);
    if (c->json) printf("{\"kid\":\"%s\",\"revoked\":true}\n", c->words[1]);
    return EXIT_OK;
}

int cli_token_key_list(struct cli *c) {
    static const struct column columns[] = {{"KID", "kid", COLUMN_TEXT},
                                            {"STATUS", "status", COLUMN_TEXT},
                                            {"ALGORITHM", "algorithm", COLUMN_TEXT},
                                            {"CREATED (UTC)", "created_at", COLUMN_TIME},
                                            {"NAME", "name", COLUMN_LONG}};
    struct tenant_row t;
    struct token_key_row *rows;
    size_t n;
    if (!cli_tenant(c, c->words[0], &t)) return EXIT_WRONG;
    enum problem p = token_keys_of(c->service, c->arena, t.id, &rows, &n, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    struct buf b = cli_buf(c);
    struct json_writer w = json_writer_of(&b);
    struct json list;
    json_open_array(&w);
    for (size_t i = 0; i < n; i++) token_key_render(&w, &rows[i]);
    json_close_array(&w);
    if (c->json) {
        cli_print(buf_str(&b));
    } else if (cli_read_back(c, buf_str(&b), &list)) {
        cli_table(c, columns, COUNT(columns), &list, "The tenant has no token keys yet (accolade token-key create).");
    }
    return EXIT_OK;
}
