#include "sql/statements.h"

const struct statement statements[STMT__MAX] = {
#define STATEMENT(id, class, scope, in, out, text) {#id, CLASS_##class, SCOPE_##scope, in, out, text},
#define COMMAND(id, text)
#include "sql/statements.def"
#undef STATEMENT
#undef COMMAND
};

const struct command_row commands[CMD__MAX] = {
#define STATEMENT(id, class, scope, in, out, text)
#define COMMAND(id, text) {#id, text},
#include "sql/statements.def"
#undef STATEMENT
#undef COMMAND
};
