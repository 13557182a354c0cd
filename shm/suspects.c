/* shm/suspects.c: what workers had in hand when they died (MECHANICS 4). */
#include "shm/page.h"

void page_hold(struct worker_slot *slot, const uint64_t *hashes, size_t n, bool on_trial) {
    MUST(n <= IN_HAND_MAX && (n == 1 || !on_trial));
    atomic_store_explicit(&slot->n_in_hand, 0, memory_order_release); /* never more than what stands there by now */
    for (size_t i = 0; i < n; i++) atomic_store_explicit(&slot->in_hand[i], hashes[i], memory_order_relaxed);
    atomic_store_explicit(&slot->on_trial, on_trial, memory_order_relaxed);
    atomic_store_explicit(&slot->n_in_hand, (uint_fast32_t)n, memory_order_release);
}

static struct suspect *find(struct page *page, uint64_t hash) {
    size_t n = atomic_load_explicit(&page->suspects_used, memory_order_acquire);
    for (size_t i = 0; i < n; i++) {
        if (atomic_load_explicit(&page->suspects[i].hash, memory_order_relaxed) == hash) return &page->suspects[i];
    }
    return NULL;
}

/* A free place, or the one whose time is over first. */
static struct suspect *place_for(struct page *page) {
    size_t n = atomic_load(&page->suspects_used);
    struct suspect *best = &page->suspects[0];
    for (size_t i = 0; i < n; i++) {
        struct suspect *s = &page->suspects[i];
        if (atomic_load(&s->hash) == 0) return s;
        if (atomic_load(&s->until_us) < atomic_load(&best->until_us)) best = s;
    }
    if (n == SUSPECTS_MAX) return best;
    atomic_store_explicit(&page->suspects_used, (uint_fast32_t)n + 1, memory_order_release);
    return &page->suspects[n];
}

unsigned page_strike(struct page *page, uint64_t hash, bool on_trial, int64_t now_us) {
    struct suspect *s = find(page, hash);
    bool again = s != NULL && now_us < atomic_load(&s->until_us);
    unsigned strikes = again ? (unsigned)atomic_load(&s->strikes) + on_trial : 1;
    if (s == NULL) s = place_for(page);
    atomic_store(&page->struck_us, now_us);
    atomic_store(&s->strikes, strikes);
    atomic_store(&s->until_us, now_us + QUARANTINE_US);
    atomic_store_explicit(&s->hash, hash, memory_order_release); /* last: who finds it finds the rest */
    return strikes;
}

unsigned page_strikes(const struct page *page, uint64_t hash, int64_t now_us, int64_t *left_us) {
    size_t n = atomic_load_explicit(&page->suspects_used, memory_order_acquire);
    for (size_t i = 0; i < n; i++) {
        const struct suspect *s = &page->suspects[i];
        if (atomic_load_explicit(&s->hash, memory_order_acquire) != hash) continue;
        *left_us = atomic_load(&s->until_us) - now_us;
        return *left_us > 0 ? (unsigned)atomic_load(&s->strikes) : 0;
    }
    return 0;
}

void page_forgive(struct page *page, uint64_t hash) {
    struct suspect *s = find(page, hash);
    if (s != NULL) atomic_store(&s->hash, 0);
}

/* Whether something is to be tried alone. */
static bool is_awaited(const struct page *page, int64_t now_us) {
    size_t n = atomic_load_explicit(&page->suspects_used, memory_order_acquire);
    for (size_t i = 0; i < n; i++) {
        const struct suspect *s = &page->suspects[i];
        if (atomic_load(&s->hash) != 0 && atomic_load(&s->strikes) < STRIKES_MAX && atomic_load(&s->until_us) > now_us) return true;
    }
    return false;
}

bool page_is_careful(const struct page *page, int64_t now_us) {
    int64_t struck_us = atomic_load_explicit(&page->struck_us, memory_order_relaxed);
    if (struck_us == 0 || now_us - struck_us >= CAREFUL_US_MOST) return false;
    return now_us - struck_us < CAREFUL_US_LEAST || is_awaited(page, now_us);
}
