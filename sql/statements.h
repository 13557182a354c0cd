/* sql/statements.h: the catalogue of statements (sql/statements.def) as an enum and a table. */
#ifndef SQL_STATEMENTS_H
#define SQL_STATEMENTS_H

enum statement_class { CLASS_READ, CLASS_WRITE, CLASS_ADMIN };
enum statement_scope { SCOPE_TENANT, SCOPE_SET, SCOPE_SYSTEM };

struct statement {
    const char *name; /* for the log, e.g. "states_load" */
    enum statement_class class;
    enum statement_scope scope;
    const char *in, *out; /* type letters */
    const char *text;
};

enum {
#define STATEMENT(id, class, scope, in, out, text) STMT_##id,
#define COMMAND(id, text)
#include "sql/statements.def"
#undef STATEMENT
#undef COMMAND
    STMT__MAX
};
extern const struct statement statements[STMT__MAX];

/* Texts without binds that are sent as they are; each # is filled with an integer. */
enum command {
#define STATEMENT(id, class, scope, in, out, text)
#define COMMAND(id, text) CMD_##id,
#include "sql/statements.def"
#undef STATEMENT
#undef COMMAND
    CMD__MAX
};
struct command_row {
    const char *name, *text;
};
extern const struct command_row commands[CMD__MAX];

#endif
