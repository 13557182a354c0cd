/* engine/event.h: an event as the engine sees it, and the shape of its native form (SEMANTICS 1–7). */
#ifndef ENGINE_EVENT_H
#define ENGINE_EVENT_H

#include "base/ids.h"
#include "base/json.h"
#include "base/shape.h"

struct event {
    struct str source, id, type, member;
    int64_t time_ms; /* the moment of receipt where none was sent */
    bool time_sent;
    const struct json *data;    /* an object, or NULL */
    const struct json *context; /* an object, or NULL; at most CONTEXT_BYTES_MAX; not compared */
};
extern const struct shape event_shape;         /* fills a struct event */
extern const struct shape event_context_shape; /* of its member context: only checked, kept as it was sent */

/* Reads one event strictly; every fault with its pointer under `pointer`. time_ms is 0 where no time was sent. What out points to are
 * views into v. */
MUST_CHECK enum problem event_read(struct arena *a, const struct json *v, struct str pointer, struct event *out, struct faults *faults);

#endif
