/* cli/cli.h: the `accolade` command: one table of commands, each a function over opened settings and service.
 *
 * People read the output on a terminal; with --json a script does. Exit codes: 0 done, 1 refused or something is wrong, 2 the
 * command line or the settings are. Errors go to standard error and say what to do; a refusal is JSON there too with --json. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/table.h"
#include "service/config.h"

enum { EXIT_OK = 0, EXIT_WRONG = 1, EXIT_USAGE = 2 };
enum { OPTIONS_MAX = 12, WORDS_MAX = 4 };

struct cli_option {
    const char *name;  /* without the dashes */
    const char *value; /* what to call its value in the help; NULL: a switch */
    const char *doc;
};

enum command_needs {
    NEEDS_SERVICE,
    NEEDS_PATIENCE, /* the service, with long reads: jobs and verify */
    NEEDS_NOTHING,  /* but the settings */
};

struct cli;
struct command {
    const char *group, *verb; /* "tenant" "create"; verb NULL: the group alone */
    const char *words;        /* names of the positional arguments, e.g. "TENANT FILE" */
    int n_words;
    const char *doc;
    struct cli_option options[OPTIONS_MAX]; /* ends with name NULL */
    enum command_needs needs;
    int (*run)(struct cli *c);
};
extern const struct command cli_commands[];
extern const size_t cli_commands_n;

struct cli {
    const struct command *command;
    struct arena *arena;
    struct settings settings;
    struct service *service; /* NULL where the command needs none */
    const char *words[WORDS_MAX];
    const char *values[OPTIONS_MAX]; /* by the command's options; a switch that was given is "" */
    bool json;
    bool colours;   /* for people, on a terminal that takes them */
    size_t columns; /* of the terminal, 0: none, nothing is cut */
    struct faults faults;
};
const char *cli_value(const struct cli *c, const char *option); /* NULL: not given */

/* Prints a problem with all its faults, with --json as {"code","detail","errors","more_errors"}, and gives EXIT_WRONG. */
int cli_refused(struct cli *c, enum problem p);
int cli_usage(const char *format, ...) PRINTF(1, 2);                                 /* EXIT_USAGE */
MUST_CHECK bool cli_tenant(struct cli *c, const char *code, struct tenant_row *out); /* prints what is wrong */
/* The text of a file, "-" for standard input; prints what is wrong, of more than `max` bytes what `too_large` says. */
MUST_CHECK bool cli_text(struct cli *c, const char *path, size_t max, const char *too_large, struct str *out);
/* A JSON document from there. */
MUST_CHECK bool cli_document(struct cli *c, const char *path, struct json *out);
/* An output text of JSON, printed with a line end. */
void cli_print(struct str text);
void cli_write(const struct buf *b); /* as it is */
struct buf cli_buf(struct cli *c);
/* What the service has rendered, read back to be shown to people: both outputs say the same. What is too large for that, or has a number
 * that JSON readers do not take, is printed as it is, and false is given. */
MUST_CHECK bool cli_read_back(struct cli *c, struct str text, struct json *out);
/* The rows, an array of objects, as a table. */
void cli_table(struct cli *c, const struct column *columns, size_t n, const struct json *rows, const char *none);
/* One line for each change, then the head with the version; JSON where that is wanted. */
void cli_print_changes(struct cli *c, const struct config_result *r, const char *head);

int cli_tenant_create(struct cli *c);
int cli_tenant_list(struct cli *c);
int cli_tenant_suspend(struct cli *c);
int cli_tenant_restore(struct cli *c);
int cli_key_create(struct cli *c);
int cli_key_list(struct cli *c);
int cli_key_rotate(struct cli *c);
int cli_key_revoke(struct cli *c);
int cli_operator_key_create(struct cli *c);
int cli_operator_key_list(struct cli *c);
int cli_operator_key_revoke(struct cli *c);
int cli_token_key_create(struct cli *c);
int cli_token_key_list(struct cli *c);
int cli_token_key_revoke(struct cli *c);
int cli_config_export(struct cli *c);
int cli_config_apply(struct cli *c);
int cli_config_validate(struct cli *c);
int cli_config_plan(struct cli *c);
int cli_config_rollback(struct cli *c);
int cli_config_history(struct cli *c);
int cli_config_versions(struct cli *c);
int cli_member_set(struct cli *c);
int cli_member_show(struct cli *c);
int cli_member_suspend(struct cli *c);
int cli_member_restore(struct cli *c);
int cli_member_erase(struct cli *c);
int cli_job(struct cli *c);
int cli_verify(struct cli *c);
int cli_top(struct cli *c);

#endif
