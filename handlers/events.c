/* handlers/events.c: POST /v1/events (one event, or an array) and GET /v1/events/{source}/{id} (SEMANTICS 1–7). */
#include "base/limits.h"
#include "handlers/answering.h"
#include "handlers/cloudevents.h"
#include "handlers/handlers.h"

/* A CloudEvent sent under the type of the native form is refused member by member: say what is meant. */
static void hint_cloudevent(const struct request *r, struct faults *f) {
    for (size_t i = 0; i < f->list.n; i++) {
        if (!str_is(f->list.items[i].pointer, "/specversion")) continue;
        fault_say(f, f->list.items[i].problem, "this looks like a CloudEvent: send it as application/cloudevents%s+json",
                  r->json.type == JSON_ARRAY ? "-batch" : "");
    }
}

/* An event that is no event keeps its problem and is not settled. */
static void read_item(struct request *r, const struct json *v, enum event_mode mode, struct item *item) {
    struct json native = *v;
    item->tenant = r->who.tenant;
    item->faults = faults_new(r->arena);
    item->problem = P_VALIDATION;
    if (mode != MODE_NATIVE && !cloudevent_to_native(r->arena, v, STR(""), &native, &item->faults)) return;
    item->problem = event_read(r->arena, &native, STR(""), &item->event, &item->faults);
    if (mode != MODE_NATIVE) {
        cloudevent_pointers(v, &item->faults);
    } else {
        hint_cloudevent(r, &item->faults);
    }
}

static enum problem collect_array(struct request *r, enum event_mode mode, struct work *w) {
    if (r->json.n > EVENTS_PER_REQUEST_MAX) {
        return fault_say(&r->faults, P_TOO_MANY_ITEMS, "an array has at most %d events; this one has %u", (int)EVENTS_PER_REQUEST_MAX,
                         r->json.n);
    }
    w->array = true;
    w->n = r->json.n;
    w->items = NEW_ARRAY(r->arena, struct item, w->n);
    for (size_t i = 0; i < w->n; i++) {
        struct item *item = &w->items[i];
        const struct json *v = &r->json.items[i];
        read_item(r, v, mode, item);
        item->in_array = true;
        if (r->body.n <= EVENT_BYTES_MAX || json_to_text(r->arena, v).n <= EVENT_BYTES_MAX) continue;
        item->problem = fault_say(&item->faults, P_BODY_TOO_LARGE, "an event has at most %d bytes", (int)EVENT_BYTES_MAX);
    }
    return P_OK;
}

static enum problem collect_one(struct request *r, const struct json *v, enum event_mode mode, struct work *w) {
    if (r->body.n > EVENT_BYTES_MAX) {
        return fault_say(&r->faults, P_BODY_TOO_LARGE, "an event has at most %d bytes", (int)EVENT_BYTES_MAX);
    }
    w->n = 1;
    w->items = NEW(r->arena, struct item);
    read_item(r, v, mode, w->items);
    if (w->items->problem != P_OK) r->faults = w->items->faults;
    return w->items->problem;
}

enum problem events_collect(struct request *r, struct work *w) {
    enum event_mode mode;
    struct json event = r->json;
    enum problem p = event_mode_of(r, &mode);
    if (p == P_OK && mode == MODE_BINARY) p = cloudevent_of_headers(r, &event);
    if (p != P_OK) return p;
    bool list = r->json.type == JSON_ARRAY;
    if (mode == MODE_BATCHED && !list) return fault_add(&r->faults, P_VALIDATION, STR(""), "a batch of CloudEvents is an array");
    if (mode == MODE_STRUCTURED && list) {
        return fault_add(&r->faults, P_VALIDATION, STR(""), "several CloudEvents are sent as application/cloudevents-batch+json");
    }
    return list && mode != MODE_BINARY ? collect_array(r, mode, w) : collect_one(r, &event, mode, w);
}

/* What the service as a whole could not do refuses the whole array: its retry replays what was done. */
static const struct item *first_unavailable(const struct work *w) {
    for (size_t i = 0; i < w->n; i++) {
        if (w->items[i].problem == P_QUARANTINED) continue; /* of this one event, and for long */
        if (w->items[i].problem != P_OK && problem_row(w->items[i].problem)->status == 503) return &w->items[i];
    }
    return NULL;
}

static void answer_one(struct work *w, struct response *out) {
    const struct item *item = w->items;
    w->request->member = item->member;
    if (item->problem != P_OK) {
        w->request->faults = item->faults;
        problem_answer(w->request, item->problem, out);
        return;
    }
    *out = (struct response){.status = 200, .body = item->answer, .replayed = item->replayed};
}

static void answer_array(struct work *w, struct response *out) {
    struct request *r = w->request;
    const struct item *unavailable = first_unavailable(w);
    if (unavailable != NULL) {
        r->faults = unavailable->faults;
        problem_answer(r, unavailable->problem, out);
        return;
    }
    struct buf b = buf_new(r->arena, SIZE_MAX);
    struct json_writer writer = json_writer_of(&b);
    json_open_object(&writer);
    json_key(&writer, "data");
    json_open_array(&writer);
    for (size_t i = 0; i < w->n; i++) {
        const struct item *item = &w->items[i];
        json_put_raw(&writer, item->problem == P_OK ? item->answer : problem_item(r, i, item->problem, &item->faults));
    }
    json_close_array(&writer);
    json_close_object(&writer);
    MUST(buf_ok(&b));
    *out = (struct response){.status = 200, .body = buf_str(&b)};
}

void events_answer(struct work *w, struct response *out) {
    if (w->array) {
        answer_array(w, out);
    } else {
        answer_one(w, out);
    }
}

void event_get(struct service *s, struct request *r, struct response *out) {
    enum problem p = event_answer(s, r->arena, &r->who.tenant, r->params[0], r->params[1], &out->body, &r->faults);
    answer_with(r, p, 200, out);
}
