/* handlers/routes.h: every address that Accolade answers. */
#ifndef HANDLERS_ROUTES_H
#define HANDLERS_ROUTES_H

#include "http/route.h"

extern const struct route_table route_table;

#endif
