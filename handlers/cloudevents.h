/* handlers/cloudevents.h: CloudEvents 1.0 in their three content modes, turned into the native form (SEMANTICS 7). */
#ifndef HANDLERS_CLOUDEVENTS_H
#define HANDLERS_CLOUDEVENTS_H

#include "http/route.h"

enum event_mode {
    MODE_NATIVE,     /* application/json */
    MODE_STRUCTURED, /* application/cloudevents+json: one event */
    MODE_BATCHED,    /* application/cloudevents-batch+json: an array */
    MODE_BINARY,     /* ce-… header fields, the body is the data */
};
/* By the header fields; P_BAD_REQUEST where they say two things at once. */
MUST_CHECK enum problem event_mode_of(struct request *r, enum event_mode *out);

/* One structured event as the native object. member is the subject, or the extension `member`; extensions and dataschema are kept in
 * context.metadata. Faults have the pointers of the CloudEvent; false: there are some. */
MUST_CHECK bool cloudevent_to_native(struct arena *a, const struct json *v, struct str pointer, struct json *native, struct faults *f);
/* Faults of the native object by the places of the CloudEvent that it was made from: its member is the subject, where there is one. */
void cloudevent_pointers(const struct json *v, struct faults *f);
/* The request in binary mode as a structured event. P_BAD_REQUEST: a header field twice, or ce-data. */
MUST_CHECK enum problem cloudevent_of_headers(struct request *r, struct json *out);

#endif
