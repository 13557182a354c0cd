/* service/simulate.h: the outcome that an event would have, without sending it (A17). */
#ifndef SERVICE_SIMULATE_H
#define SERVICE_SIMULATE_H

#include "engine/event.h"
#include "service/service.h"

struct simulation {
    struct event event;
    bool has_at;
    int64_t at_ms;             /* the moment at which the event would come; otherwise now */
    const struct json *config; /* a document under which it would be settled; NULL: the present configuration */
};
/* The exact outcome by the member's present state, as JSON: {…,"simulated":true,…} with null for each transfer's id; for an event that was
 * settled before its first answer with "replayed":true. Refusals are those of the event itself, those of the document have /config in
 * front. Reads one moment, locks nothing, writes nothing. */
MUST_CHECK enum problem event_simulate(struct service *s, struct arena *a, const struct tenant_row *tenant, struct simulation *in,
                                       int64_t now_ms, struct str *answer, struct faults *f);

#endif
