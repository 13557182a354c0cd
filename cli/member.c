/* cli/member.c: members. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/member_page.h"
#include "service/people.h"

enum { EVENTS_SHOWN = 10 };

static struct member_by by_command(void) { return (struct member_by){.actor = STR("command"), .now_ms = clock_now_ms()}; }

static bool json_object_of(struct cli *c, const char *option, struct json *out) {
    const char *text = cli_value(c, option);
    if (text == NULL) return true;
    bool ok = json_parse(c->arena, str_of(text), out, &c->faults) == P_OK && out->type == JSON_OBJECT;
    if (!ok) cli_usage("--%s must be a JSON object", option);
    return ok;
}

static bool text_of(struct cli *c, const char *option, size_t max, bool *has, struct str *out) {
    const char *text = cli_value(c, option);
    *has = text != NULL;
    *out = str_of(text);
    bool ok = out->n <= max && str_is_utf8(*out) && !str_has_control(*out);
    if (!ok) cli_usage("--%s must be at most %zu bytes of plain text", option, max);
    return ok;
}

int cli_member_set(struct cli *c) {
    struct json attributes, groups;
    struct member_set set = {.has_attributes = cli_value(c, "attributes") != NULL,
                             .attributes = &attributes,
                             .has_groups = cli_value(c, "groups") != NULL,
                             .groups = &groups};
    bool ok = json_object_of(c, "attributes", &attributes) && json_object_of(c, "groups", &groups) &&
              text_of(c, "type", CODE_BYTES_MAX, &set.has_type, &set.type) &&
              text_of(c, "zone", ZONE_BYTES_MAX, &set.has_zone, &set.zone) &&
              text_of(c, "display-name", NAME_BYTES_MAX, &set.has_display_name, &set.display_name);
    if (!ok) return EXIT_USAGE;
    if (set.type.n > 0 && !code_is_valid(set.type)) return cli_usage("--type must be a code such as agent or team-lead");
    struct tenant_row t;
    if (!cli_tenant(c, c->words[0], &t)) return EXIT_WRONG;
    struct member_by by = by_command();
    struct write_answer answer;
    enum problem p = member_write(c->service, c->arena, &t, str_of(c->words[1]), MEMBER_SET, &set, &by, &answer, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    return cli_member_show(c);
}

/* As one object: that of the state, with the answers of /profile and /events in it. */
static void print_whole(struct cli *c, struct str state, struct str profile, struct str events) {
    struct buf b = cli_buf(c);
    MUST(state.n > 2 && state.p[state.n - 1] == '}');
    buf_f(&b, STR_FMT ",\"profile\":" STR_FMT ",\"events\":" STR_FMT "}\n", (int)(state.n - 1), state.p, STR_ARG(profile), STR_ARG(events));
    cli_write(&b);
}

/* With what the state row alone does not say. */
static int print_member(struct cli *c, const struct tenant_row *t, struct str state) {
    struct str member = str_of(c->words[1]), profile, events;
    struct member_page page;
    enum problem p = member_profile(c->service, c->arena, t, member, clock_now_ms(), &profile, &c->faults);
    if (p == P_OK) p = member_events(c->service, c->arena, t, member, EVENTS_SHOWN, STR(""), &events, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    if (c->json) {
        print_whole(c, state, profile, events);
    } else if (cli_read_back(c, state, &page.state) && cli_read_back(c, profile, &page.profile) && cli_read_back(c, events, &page.events)) {
        struct buf b = cli_buf(c);
        put_member_page(c, &page, &b);
        cli_write(&b);
    }
    return EXIT_OK;
}

int cli_member_show(struct cli *c) {
    struct tenant_row t;
    struct str text;
    if (!cli_tenant(c, c->words[0], &t)) return EXIT_WRONG;
    enum problem p = member_show(c->service, c->arena, &t, str_of(c->words[1]), clock_now_ms(), &text, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    return print_member(c, &t, text);
}

static int set_suspended(struct cli *c, bool suspended) {
    struct tenant_row t;
    if (!cli_tenant(c, c->words[0], &t)) return EXIT_WRONG;
    struct member_by by = by_command();
    struct write_answer answer;
    enum problem p = member_suspend(c->service, c->arena, &t, str_of(c->words[1]), suspended, &by, &answer, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    if (c->json) {
        cli_print(answer.body);
    } else {
        printf("Member %s is %s.\n", c->words[1], suspended ? "suspended" : "active");
    }
    return EXIT_OK;
}

int cli_member_suspend(struct cli *c) { return set_suspended(c, true); }
int cli_member_restore(struct cli *c) { return set_suspended(c, false); }

int cli_member_erase(struct cli *c) {
    struct tenant_row t;
    if (!cli_tenant(c, c->words[0], &t)) return EXIT_WRONG;
    if (cli_value(c, "yes") == NULL) {
        if (!isatty(STDIN_FILENO)) return cli_usage("erasing cannot be undone: add --yes");
        printf("Erase member %s of tenant %s for ever? Type the member's id: ", c->words[1], c->words[0]);
        fflush(stdout);
        char line[ID_BYTES_MAX + 2] = "";
        if (fgets(line, sizeof line, stdin) == NULL) return EXIT_WRONG;
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, c->words[1]) != 0) return puts("Nothing was erased."), EXIT_WRONG;
    }
    struct member_by by = by_command();
    struct write_answer answer;
    enum problem p = member_erase(c->service, c->arena, &t, str_of(c->words[1]), &by, &answer, &c->faults);
    if (p != P_OK) return cli_refused(c, p);
    struct buf b = cli_buf(c); /* the interface answers with nothing at all */
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "member");
    json_put_z(&w, c->words[1]);
    json_key(&w, "status");
    json_put_z(&w, "erased");
    json_close_object(&w);
    if (c->json) {
        cli_print(buf_str(&b));
    } else {
        printf("Member %s is erased.\n", c->words[1]);
    }
    return EXIT_OK;
}
