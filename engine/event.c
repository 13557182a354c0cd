#include "engine/event.h"

#include <stddef.h>

#include "base/limits.h"

/* The context is kept as it was sent; its shape is only checked. The limit of the whole is the limit of each text. */
struct context {
    struct str reference, description, actor, ip, user_agent;
    const struct json *metadata;
};
#define TEXT(member, says)                                                                                                                 \
    {                                                                                                                                      \
        .name = #member, .type = F_STRING, .offset = offsetof(struct context, member), .present = NOT_TRACKED, .hi = CONTEXT_BYTES_MAX,    \
        .doc = says                                                                                                                        \
    }
static const struct field context_fields[] = {
    TEXT(reference, "The tenant's own reference, an order number for example."),
    TEXT(description, "Shown as the description of the transactions that the event causes."),
    TEXT(actor, "Who caused the event, where it was not the member."),
    TEXT(ip, "The address that the member used."),
    TEXT(user_agent, "The program that the member used."),
    {.name = "metadata",
     .type = F_JSON_OBJECT,
     .offset = offsetof(struct context, metadata),
     .present = NOT_TRACKED,
     .doc = "Anything else that is to be kept with the event."},
};
const struct shape event_context_shape = {
    .name = "EventContext",
    .size = sizeof(struct context),
    .fields = context_fields,
    .n_fields = COUNT(context_fields),
    .doc = "Kept sealed and shown by /transactions; not part of what makes two events the same. At most 4 KiB, written compactly.",
};

static void read_context(struct shape_reading *r, const struct json *v, struct str pointer, void *into) {
    struct context checked;
    if (shape_read(&event_context_shape, v, pointer, r->arena, &checked, r->faults) != P_OK) return;
    size_t n = json_to_text(r->arena, v).n;
    if (n > CONTEXT_BYTES_MAX) {
        fault_add(r->faults, P_VALIDATION, pointer, "must have at most %d bytes, written compactly; it has %zu", (int)CONTEXT_BYTES_MAX, n);
        return;
    }
    *(const struct json **)into = v;
}

#define ID(member, says)                                                                                                                   \
    {                                                                                                                                      \
        .name = #member, .type = F_PUBLIC_ID, .required = true, .offset = offsetof(struct event, member), .present = NOT_TRACKED,          \
        .doc = says                                                                                                                        \
    }
static const struct field event_fields[] = {
    ID(source, "The system that reports the event; with id it makes the event's identity."),
    ID(id, "Given by the source: the same event has the same id, however often it is sent."),
    {.name = "type",
     .type = F_STRING,
     .required = true,
     .offset = offsetof(struct event, type),
     .present = NOT_TRACKED,
     .lo = 1,
     .hi = TYPE_BYTES_MAX,
     .doc = "What happened, as the rules name it."},
    ID(member, "The tenant's own id of the member; unknown ones are created."),
    {.name = "time",
     .type = F_TIME,
     .offset = offsetof(struct event, time_ms),
     .present = offsetof(struct event, time_sent),
     .doc = "When it happened; the moment of receipt where absent."},
    {.name = "data",
     .type = F_JSON_OBJECT,
     .offset = offsetof(struct event, data),
     .present = NOT_TRACKED,
     .doc = "Attributes that rules can use, as event.data."},
    {.name = "context",
     .type = F_CUSTOM,
     .offset = offsetof(struct event, context),
     .present = NOT_TRACKED,
     .read = read_context,
     .sub = &event_context_shape,
     .schema = "{\"$ref\":\"#/components/schemas/EventContext\"}",
     .doc = "Who and what caused the event; kept, never compared."},
};
const struct shape event_shape = {
    .name = "Event",
    .size = sizeof(struct event),
    .fields = event_fields,
    .n_fields = COUNT(event_fields),
    .doc = "Something that a member did.",
};

enum problem event_read(struct arena *a, const struct json *v, struct str pointer, struct event *out, struct faults *faults) {
    return shape_read(&event_shape, v, pointer, a, out, faults);
}
