#include "shm/page.h"

#include <sys/mman.h>

struct page *page_new(void) {
    void *p = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED ? p : NULL;
}

void page_free(struct page **page) {
    if (*page != NULL) munmap(*page, sizeof **page);
    *page = NULL;
}

struct worker_slot *page_slot_take(struct page *page, int64_t now_us) {
    for (size_t i = 0; i < PAGE_SLOTS; i++) {
        struct worker_slot *slot = &page->slots[i];
        if (atomic_load(&slot->taken)) continue;
        atomic_store(&slot->ready, false);
        page_beat(slot, false, now_us);
        atomic_store(&slot->taken, true);
        return slot;
    }
    return NULL;
}

void page_slot_give(struct worker_slot *slot) { atomic_store(&slot->taken, false); }

void page_beat(struct worker_slot *slot, bool in_set, int64_t now_us) {
    atomic_store(&slot->in_set, in_set);
    atomic_store(&slot->beat_us, now_us);
}
