/* handlers/simulate.c: POST /v1/events/simulate (A17). */
#include "service/simulate.h"

#include "base/limits.h"
#include "handlers/answering.h"
#include "handlers/handlers.h"

static const struct field simulation_fields[] = {
    {.name = "event",
     .type = F_OBJECT,
     .required = true,
     .offset = offsetof(struct simulation, event),
     .present = NOT_TRACKED,
     .sub = &event_shape,
     .doc = "The event that is tried."},
    {.name = "at",
     .type = F_TIME,
     .offset = offsetof(struct simulation, at_ms),
     .present = offsetof(struct simulation, has_at),
     .doc = "The moment at which it would come; now where absent."},
    {.name = "config",
     .type = F_JSON_OBJECT,
     .offset = offsetof(struct simulation, config),
     .present = NOT_TRACKED,
     .hi = CONFIG_BYTES_MAX,
     .doc = "A configuration document under which it would be settled; the present one where absent."},
};
const struct shape simulation_shape = {.name = "Simulation",
                                       .size = sizeof(struct simulation),
                                       .fields = simulation_fields,
                                       .n_fields = COUNT(simulation_fields),
                                       .doc = "An event to be tried without effects."};

void event_simulate_post(struct service *s, struct request *r, struct response *out) {
    struct simulation *in = r->shaped;
    enum problem p = P_OK;
    if (r->body.n > EVENT_BYTES_MAX && json_to_text(r->arena, json_get(&r->json, "event")).n > EVENT_BYTES_MAX) {
        p = fault_say(&r->faults, P_BODY_TOO_LARGE, "an event has at most %d bytes", (int)EVENT_BYTES_MAX);
    }
    if (p == P_OK) p = event_simulate(s, r->arena, &r->who.tenant, in, r->now_ms, &out->body, &r->faults);
    answer_with(r, p, 200, out);
}
