#include "engine/state.h"

#include <string.h>

/* Lists of the row stay sorted, so that one state has one encoding. Makes room at `at` in a list that was just pushed to. */
#define LIST_SHIFT(list, at) memmove(&(list)->items[(at) + 1], &(list)->items[at], ((list)->n - 1 - (at)) * sizeof *(list)->items)

struct wallet *state_wallet(struct arena *a, struct member_state *s, uint16_t currency, enum part part) {
    size_t at = 0;
    for (; at < s->wallets.n; at++) {
        struct wallet *w = &s->wallets.items[at];
        if (w->currency == currency && w->part == part) return w;
        if (w->currency > currency || (w->currency == currency && w->part > part)) break;
    }
    (void)LIST_PUSH(a, &s->wallets);
    LIST_SHIFT(&s->wallets, at);
    s->wallets.items[at] = (struct wallet){.currency = currency, .part = part};
    return &s->wallets.items[at];
}

struct lifetime *state_lifetime(struct arena *a, struct member_state *s, uint16_t currency) {
    size_t at = 0;
    for (; at < s->lifetimes.n && s->lifetimes.items[at].currency <= currency; at++)
        if (s->lifetimes.items[at].currency == currency) return &s->lifetimes.items[at];
    (void)LIST_PUSH(a, &s->lifetimes);
    LIST_SHIFT(&s->lifetimes, at);
    s->lifetimes.items[at] = (struct lifetime){.currency = currency};
    return &s->lifetimes.items[at];
}

struct ladder_paid *state_ladder(struct arena *a, struct member_state *s, uint16_t ladder) {
    size_t at = 0;
    for (; at < s->ladders.n && s->ladders.items[at].ladder <= ladder; at++)
        if (s->ladders.items[at].ladder == ladder) return &s->ladders.items[at];
    (void)LIST_PUSH(a, &s->ladders);
    LIST_SHIFT(&s->ladders, at);
    s->ladders.items[at] = (struct ladder_paid){.ladder = ladder};
    return &s->ladders.items[at];
}

int64_t state_earned(const struct member_state *s, uint16_t currency) {
    for (size_t i = 0; i < s->lifetimes.n; i++)
        if (s->lifetimes.items[i].currency == currency) return s->lifetimes.items[i].earned;
    return 0;
}

const struct ladder_paid *state_ladder_find(const struct member_state *s, uint16_t ladder) {
    for (size_t i = 0; i < s->ladders.n; i++)
        if (s->ladders.items[i].ladder == ladder) return &s->ladders.items[i];
    return NULL;
}

const struct counter *state_counter(const struct member_state *s, enum counter_kind what, uint16_t no, enum period_kind kind) {
    struct counter wanted = {.what = what, .no = no, .kind = kind};
    size_t lo = 0, hi = s->counters.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = counter_cmp(&s->counters.items[mid], &wanted);
        if (order == 0) return &s->counters.items[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

int counter_cmp(const struct counter *a, const struct counter *b) {
    if (a->what != b->what) return a->what < b->what ? -1 : 1;
    if (a->no != b->no) return a->no < b->no ? -1 : 1;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    return 0;
}

size_t counters_size(const struct counter *c, size_t n) {
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || c[i].what != c[i - 1].what || c[i].no != c[i - 1].no) bytes += STATE_COUNTER_GROUP;
        bytes += c[i].kind == PERIOD_EVER ? STATE_COUNTER_EVER : STATE_COUNTER_PERIOD;
    }
    return bytes;
}

size_t state_hot_size(const struct member_state *s) {
    return STATE_HOT_HEAD + s->wallets.n * STATE_WALLET + s->lifetimes.n * STATE_LIFETIME + counters_size(s->counters.items, s->counters.n);
}

size_t state_cold_size(const struct member_state *s) { return STATE_COLD_HEAD - CODE_BYTES_MAX + s->type.n + s->ladders.n * STATE_LADDER; }
