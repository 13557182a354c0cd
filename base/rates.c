#include "base/rates.h"

#include <stddef.h>

const char *const rate_names[] = {
#define RATE(id, name, setting) name,
#include "base/rates.def"
#undef RATE
    NULL};
