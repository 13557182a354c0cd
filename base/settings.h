/* base/settings.h: the settings of the installation, from one table (base/settings.def): type, bounds, default, unit, secret.
 *
 * Read from a file of `name = value` lines (# comments), then from the environment (ACCOLADE_NAME in capitals). An unknown or
 * duplicate name, a value out of range or of the wrong form is refused with file and line. */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include "base/problem.h"
#include "base/str.h"

enum setting_flags { SETTING_SECRET = 1, SETTING_RELOAD = 2, SETTING_TEST = 4 /* unknown to a release build */ };

struct settings {
#define SETTING_TEXT(name, dflt, flags, doc)                 const char *name;
#define SETTING_NUMBER(name, lo, hi, dflt, flags, unit, doc) int64_t name;
#include "base/settings.def"
#undef SETTING_TEXT
#undef SETTING_NUMBER
};

/* path NULL: $ACCOLADE_CONF, else no file. Strings live in the arena. On refusal *error says where and what, in a
 * line for each of the first 20 things that are wrong, in the order of the file and then of the environment. */
MUST_CHECK bool settings_load(struct arena *a, const char *path, struct settings *out, struct str *error);
/* Takes over from `fresh` what may change while a process runs (SETTING_RELOAD); gives the names of what else differs, "" for none. */
struct str settings_take_over(struct arena *a, struct settings *s, const struct settings *fresh);
void settings_print(struct arena *a, const struct settings *s, struct buf *out); /* as a file; secrets as ****** */

#endif
