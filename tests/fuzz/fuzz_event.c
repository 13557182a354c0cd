/* Any bytes as the body of an event: refused with a fault, or read into what can be sealed and opened again. */
#include <stdlib.h>

#include "base/limits.h"
#include "engine/outcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(struct arena *a, const struct event *e) {
    if (!public_id_is_valid(e->source) || !public_id_is_valid(e->id) || !public_id_is_valid(e->member)) abort();
    if (!e->type.n || e->type.n > TYPE_BYTES_MAX || str_has_control(e->type)) abort();
    if (e->time_sent ? e->time_ms < TIME_MS_MIN || e->time_ms > TIME_MS_MAX : e->time_ms != 0) abort();
    if (e->context && json_to_text(a, e->context).n > CONTEXT_BYTES_MAX) abort();
    struct sealed in = {.source = e->source, .id = e->id, .type = e->type, .data = e->data, .context = e->context}, out;
    if (!sealed_decode(a, sealed_encode(a, &in), &out)) abort();
    if (!str_eq(in.source, out.source) || !str_eq(in.id, out.id) || !str_eq(in.type, out.type)) abort();
    if (!in.data != !out.data || (in.data && !json_equal(in.data, out.data))) abort();
    if (!in.context != !out.context || (in.context && !json_equal(in.context, out.context))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena *a = arena_new();
    struct faults faults = faults_new(a);
    struct json v;
    struct event e;
    if (json_parse(a, (struct str){(const char *)data, n}, &v, &faults) == P_OK) {
        if (event_read(a, &v, STR(""), &e, &faults) == P_OK) {
            check(a, &e);
        } else if (!faults.list.n) {
            abort();
        }
    }
    arena_free(&a);
    return 0;
}
