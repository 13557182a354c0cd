/* service/needs.h: what is loaded beside one member's state before the engine looks at it; for the files of service/. */
#ifndef SERVICE_NEEDS_H
#define SERVICE_NEEDS_H

#include "engine/settle.h"
#include "service/inside.h"

/* Loads what settle_needs or rule_needs asked for into the state. Where needs->again is set the caller asks once more. */
MUST_CHECK enum db_result needs_load(struct service *s, struct arena *a, struct member_ref ref, struct member_state *state,
                                     const struct needs *needs);
/* The profile of one member: *out is all "" where there is none. attributes and groups of the state are set. */
MUST_CHECK enum db_result profile_load(struct service *s, struct arena *a, struct member_ref ref, struct member_state *state,
                                       struct profile_row *out);

#endif
