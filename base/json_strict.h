/* base/json_strict.h: the strict pass over a JSON text, before the library reads it. Used by base/json.c alone. */
#ifndef BASE_JSON_STRICT_H
#define BASE_JSON_STRICT_H

#include "base/problem.h"

/* *value is the text without the white space around it. On refusal adds one fault and returns P_MALFORMED_JSON or P_NUMBER. */
MUST_CHECK enum problem json_strict(struct arena *a, struct str text, uint32_t depth_max, struct str *value, struct faults *faults);

#endif
