/* cli/main.c: reads the command line and the settings, opens the service, runs one command. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/text.h"

#define VERSION "0.1.0-dev" /* of what CHANGELOG.md calls unreleased; that of the interface is in api/openapi.yaml */

int cli_usage(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("accolade: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\nTry: accolade --help\n", stderr);
    va_end(args);
    return EXIT_USAGE;
}

/* Titles are those of HTTP; here some of them say it in other words. */
static struct str title_of(enum problem p) {
    switch (p) {
    case P_BAD_REQUEST: return STR("something that was given is malformed");
    case P_MALFORMED_JSON: return STR("the document is not valid JSON");
    case P_NOT_FOUND: return STR("there is no such thing");
    case P_IN_PROGRESS: return STR("somebody else is changing the same thing");
    case P_VALIDATION: return STR("what was given does not have the required form");
    case P_INTERNAL: return STR("it could not be done");
    default: return str_of(problem_row(p)->title);
    }
}

/* The members of HTTP's problems that say something here too. */
static void print_problem(struct cli *c, enum problem p, struct str detail) {
    const struct faults *f = &c->faults;
    struct buf b = cli_buf(c);
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "code");
    json_put_z(&w, problem_row(p)->code);
    json_key(&w, "detail");
    json_put_str(&w, detail);
    json_key(&w, "errors");
    json_open_array(&w);
    for (size_t i = 0; i < f->list.n; i++) {
        json_open_object(&w);
        json_key(&w, "pointer");
        json_put_str(&w, f->list.items[i].pointer);
        json_key(&w, "detail");
        json_put_str(&w, f->list.items[i].detail);
        json_key(&w, "code");
        json_put_z(&w, problem_row(f->list.items[i].problem)->code);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_key(&w, "more_errors");
    json_put_i64(&w, (int64_t)f->more);
    json_close_object(&w);
    fprintf(stderr, STR_FMT "\n", STR_ARG(buf_str(&b)));
}

int cli_refused(struct cli *c, enum problem p) {
    const struct faults *f = &c->faults;
    struct str title = f->detail.n > 0 ? f->detail : title_of(p);
    if (c->json) return print_problem(c, p, title), EXIT_WRONG;
    fprintf(stderr, "accolade: %s: " STR_FMT "\n", problem_row(p)->code, STR_ARG(title));
    for (size_t i = 0; i < f->list.n; i++) {
        const struct fault *x = &f->list.items[i];
        fprintf(stderr, "  %s" STR_FMT ": " STR_FMT "\n", x->pointer.n == 0 ? "(document)" : "", STR_ARG(x->pointer), STR_ARG(x->detail));
    }
    if (f->more > 0) fprintf(stderr, "  and %zu more\n", f->more);
    return EXIT_WRONG;
}

const char *cli_value(const struct cli *c, const char *option) {
    for (size_t i = 0; i < OPTIONS_MAX && c->command->options[i].name != NULL; i++) {
        if (strcmp(c->command->options[i].name, option) == 0) return c->values[i];
    }
    NEVER("an option that the command does not have");
}

/* ---- help ---- */

static void print_command(const struct command *k) {
    printf("  %s%s%s%s%s\n      %s\n", k->group, k->verb != NULL ? " " : "", k->verb != NULL ? k->verb : "", k->words[0] != '\0' ? " " : "",
           k->words, k->doc);
    for (size_t i = 0; i < OPTIONS_MAX && k->options[i].name != NULL; i++) {
        const struct cli_option *o = &k->options[i];
        printf("      --%s%s%s: %s\n", o->name, o->value != NULL ? " " : "", o->value != NULL ? o->value : "", o->doc);
    }
}

static bool has_group(const char *group) {
    for (size_t i = 0; i < cli_commands_n; i++) {
        if (strcmp(cli_commands[i].group, group) == 0) return true;
    }
    return false;
}

static const struct command *find_command(const char *group, const char *verb) {
    for (size_t i = 0; i < cli_commands_n; i++) {
        const struct command *k = &cli_commands[i];
        if (strcmp(k->group, group) != 0) continue;
        if (k->verb == NULL || (verb != NULL && strcmp(k->verb, verb) == 0)) return k;
    }
    return NULL;
}

/* Says which words may stand there. */
static int no_command(const char *group, const char *verb) {
    struct arena *a = arena_new();
    struct buf known = buf_new(a, 1024);
    const char *last = "";
    bool of_group = has_group(group);
    for (size_t i = 0; i < cli_commands_n; i++) {
        const struct command *k = &cli_commands[i];
        const char *word = of_group ? k->verb : k->group;
        if (of_group ? strcmp(k->group, group) != 0 : strcmp(last, word) == 0) continue;
        if (known.n > 0) buf_z(&known, ", ");
        buf_z(&known, word);
        last = word;
    }
    MUST(buf_ok(&known));
    struct str names = buf_str(&known);
    if (!of_group) cli_usage("there is no command %s; there are: " STR_FMT, group, STR_ARG(names));
    if (of_group && verb == NULL) cli_usage("%s what? There are: " STR_FMT, group, STR_ARG(names));
    if (of_group && verb != NULL) cli_usage("there is no command %s %s; of %s there are: " STR_FMT, group, verb, group, STR_ARG(names));
    arena_free(&a);
    return EXIT_USAGE;
}

/* One command, the commands of one group, or all. */
static int help(const char *group, const char *verb) {
    if (group != NULL && !has_group(group)) return no_command(group, NULL);
    const struct command *one = group != NULL ? find_command(group, verb) : NULL;
    puts("Usage: accolade [-c FILE] COMMAND … [--json]\n");
    for (size_t i = 0; i < cli_commands_n; i++) {
        if (group != NULL && strcmp(cli_commands[i].group, group) != 0) continue;
        if (one != NULL && one != &cli_commands[i]) continue;
        print_command(&cli_commands[i]);
    }
    puts("\n  -c FILE    the settings (default: $ACCOLADE_CONF); the environment's ACCOLADE_… go before it\n"
         "  --json     print for a program to read\n"
         "  --help     this text; after a command, that command's\n"
         "  --version  which release this is\n\n"
         "Manual pages: accolade(1), accolade.conf(5), accolade-fcgi(8)");
    return EXIT_OK;
}

/* ---- the command line ---- */

static int option_index(const struct command *k, const char *name, size_t n) {
    for (int i = 0; i < OPTIONS_MAX && k->options[i].name != NULL; i++) {
        if (strlen(k->options[i].name) == n && strncmp(k->options[i].name, name, n) == 0) return i;
    }
    return -1;
}

/* One "--name value", "--name=value" or "--switch" at argv[*at]. */
static bool take_option(struct cli *c, int argc, char **argv, int *at) {
    const char *name = argv[*at] + 2, *equals = strchr(name, '=');
    int i = option_index(c->command, name, equals != NULL ? (size_t)(equals - name) : strlen(name));
    if (i < 0)
        return cli_usage("%s %s has no option %s", c->command->group, c->command->verb != NULL ? c->command->verb : "", argv[*at]), false;
    if (c->command->options[i].value == NULL) {
        c->values[i] = "";
        return equals == NULL || (cli_usage("--%s takes no value", name), false);
    }
    if (equals != NULL) {
        c->values[i] = equals + 1;
    } else if (*at + 1 < argc) {
        c->values[i] = argv[++*at];
    } else {
        return cli_usage("--%s needs a value", name), false;
    }
    return true;
}

/* Fills words and values; false: what is wrong was printed. */
static bool read_arguments(struct cli *c, int argc, char **argv, int at) {
    int n = 0;
    bool only_words = false;
    for (; at < argc; at++) {
        if (!only_words && strcmp(argv[at], "--") == 0) {
            only_words = true;
        } else if (!only_words && strcmp(argv[at], "--json") == 0) {
            c->json = true;
        } else if (!only_words && strncmp(argv[at], "--", 2) == 0) {
            if (!take_option(c, argc, argv, &at)) return false;
        } else if (n == c->command->n_words) {
            cli_usage("\"%s\" is one word too many", argv[at]);
            return false;
        } else {
            c->words[n++] = argv[at];
        }
    }
    if (n < c->command->n_words)
        cli_usage("%s %s needs: %s", c->command->group, c->command->verb != NULL ? c->command->verb : "", c->command->words);
    return n == c->command->n_words;
}

static int run_command(struct cli *c, const char *conf) {
    struct str error;
    if (!settings_load(c->arena, conf, &c->settings, &error)) {
        fprintf(stderr, "accolade: " STR_FMT "\n", STR_ARG(error));
        return EXIT_USAGE;
    }
    log_open(NULL, LOG_WARN, "accolade"); /* a command's own output is for people; its log is what went wrong */
    clock_set_file(c->settings.clock_file);
    bool needs_service = c->command->needs != NEEDS_NOTHING;
    if (needs_service) c->service = service_open(&c->settings, c->command->needs == NEEDS_PATIENCE, c->arena, &error);
    if (needs_service && c->service == NULL) {
        fprintf(stderr, "accolade: " STR_FMT "\n", STR_ARG(error));
        return EXIT_USAGE;
    }
    c->faults = faults_new(c->arena);
    c->colours = !c->json && colours_wanted();
    c->columns = terminal_columns();
    int code = c->command->run(c);
    service_close(&c->service);
    if (fflush(stdout) != 0) {
        perror("accolade: standard output");
        code = EXIT_WRONG;
    }
    return code;
}

static bool wants_help(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
    }
    return false;
}

int main(int argc, char **argv) {
    const char *conf = NULL;
    int at = 1;
    if (at + 1 < argc && strcmp(argv[at], "-c") == 0) {
        conf = argv[at + 1];
        at += 2;
    }
    bool by_word = at < argc && strcmp(argv[at], "help") == 0; /* "help config" is "config --help" */
    if (by_word) at++;
    const char *verb = at + 1 < argc ? argv[at + 1] : NULL;
    if (by_word || wants_help(argc, argv)) return help(at < argc && argv[at][0] != '-' ? argv[at] : NULL, verb);
    if (at >= argc) return help(NULL, NULL), EXIT_USAGE;
    if (strcmp(argv[at], "--version") == 0) return puts("accolade " VERSION), EXIT_OK;
    struct cli c = {.command = find_command(argv[at], verb)};
    if (c.command == NULL) return no_command(argv[at], verb);
    if (!read_arguments(&c, argc, argv, at + (c.command->verb != NULL ? 2 : 1))) return EXIT_USAGE;
    c.arena = arena_new();
    int code = run_command(&c, conf);
    arena_free(&c.arena);
    return code;
}
