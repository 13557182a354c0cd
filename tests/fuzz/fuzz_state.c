/* Any bytes as the hot part, the cold part or a closed period of a member's state, chosen by the first byte: refused, or read into what
 * encodes to the same bytes. */
#include <stdlib.h>

#include "engine/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_row(struct arena *a, struct str hot, struct str cold) {
    struct member_state s = {0};
    if (!state_decode(a, hot, cold, &s)) return;
    if (hot.n && (!str_eq(state_encode_hot(a, &s), hot) || state_hot_size(&s) != hot.n)) abort();
    if (cold.n && (!str_eq(state_encode_cold(a, &s), cold) || state_cold_size(&s) != cold.n)) abort();
    for (size_t i = 0; i < s.counters.n; i++) {
        const struct counter *c = &s.counters.items[i];
        if (state_counter(&s, c->what, c->no, c->kind) != c || c->start % MS_SECOND) abort();
    }
}

static void check_closed(struct arena *a, struct str text, enum period_kind kind) {
    struct closed_period c = {.kind = kind, .start = 0};
    if (closed_decode(a, text, &c) && !str_eq(closed_encode(a, &c), text)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (!n) return 0;
    struct arena *a = arena_new();
    struct str text = {(const char *)data + 1, n - 1};
    switch (data[0] % 4) {
    case 0: check_row(a, text, STR("")); break;
    case 1: check_row(a, STR(""), text); break;
    case 2: check_closed(a, text, PERIOD_EVER); break;
    default: check_closed(a, text, PERIOD_DAY); break;
    }
    arena_free(&a);
    return 0;
}
