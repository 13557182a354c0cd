#include "shm/page.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto/crypto.h"

enum { PAGE_MODE = 0640 };

/* ---- making ---- */

static bool new_path(const struct page_file *file, char out[PATH_MAX]) {
    return snprintf(out, PATH_MAX, "%s.new", file->path) < PATH_MAX || (errno = ENAMETOOLONG, false);
}

/* What a master left that was killed at this very moment is removed first: somebody may still have it mapped, so it is not written to.
 * All of its blocks are taken now: a full disk is an error here, and a signal at the first write later. */
static int new_file(struct page_file *file) {
    char path[PATH_MAX];
    struct stat st;
    if (!new_path(file, path)) return -1;
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, PAGE_MODE);
    if (fd < 0) return -1;
    bool ok = fchmod(fd, PAGE_MODE) == 0 && fstat(fd, &st) == 0;
    int why = ok ? posix_fallocate(fd, 0, (off_t)sizeof(struct page)) : errno;
    if (ok && why == 0) {
        file->device = st.st_dev;
        file->inode = st.st_ino;
        return fd;
    }
    close(fd);
    unlink(path);
    errno = why;
    return -1;
}

struct page *page_new(struct page_file *file, int64_t now_ms, int64_t now_us) {
    bool named = file->path[0] != '\0';
    int fd = named ? new_file(file) : -1;
    if (named && fd < 0) return NULL;
    void *p = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED | (named ? 0 : MAP_ANONYMOUS), fd, 0);
    if (fd >= 0) close(fd);
    if (p == MAP_FAILED) return NULL;
    struct page *page = p;
    memcpy(page->magic, PAGE_MAGIC, sizeof page->magic);
    page->layout = PAGE_LAYOUT;
    page->size = sizeof *page;
    page->started_ms = now_ms;
    page->started_us = now_us;
    page->master = getpid();
    crypto_random(&page->salt, sizeof page->salt);
    crypto_random(&page->hosts.id, sizeof page->hosts.id);
    if (page->hosts.id == 0) page->hosts.id = 1;
    atomic_store(&page->beat_us, now_us);
    return page;
}

bool page_publish(struct page_file *file) {
    char path[PATH_MAX];
    if (file->path[0] == '\0') return true;
    return new_path(file, path) && rename(path, file->path) == 0;
}

static void remove_if_ours(const struct page_file *file, const char *path) {
    struct stat st;
    if (lstat(path, &st) == 0 && st.st_dev == file->device && st.st_ino == file->inode) unlink(path);
}

void page_unpublish(struct page_file *file) {
    char path[PATH_MAX];
    if (file->path[0] == '\0') return;
    remove_if_ours(file, file->path);
    if (new_path(file, path)) remove_if_ours(file, path);
}

void page_free(struct page **page) {
    if (*page != NULL) munmap(*page, sizeof **page);
    *page = NULL;
}

/* ---- reading ---- */

static enum page_refusal map(int fd, struct page **out, uint32_t *layout) {
    enum { HEAD_BYTES = offsetof(struct page, started_ms) };
    struct page head;
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) return PAGE_UNREADABLE;
    if (!S_ISREG(st.st_mode) || pread(fd, &head, HEAD_BYTES, 0) != HEAD_BYTES) return PAGE_FOREIGN;
    if (memcmp(head.magic, PAGE_MAGIC, sizeof head.magic) != 0) return PAGE_FOREIGN;
    *layout = head.layout;
    if (head.layout != PAGE_LAYOUT || head.size != sizeof **out || st.st_size < (off_t)sizeof **out) return PAGE_OTHER_LAYOUT;
    void *p = mmap(NULL, sizeof **out, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) return PAGE_UNREADABLE;
    *out = p;
    return PAGE_FINE;
}

enum page_refusal page_map(const char *path, struct page **out, uint32_t *layout) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum page_refusal refusal = map(fd, out, layout);
    int why = errno;
    if (fd >= 0) close(fd);
    errno = why;
    return refusal;
}

/* ---- workers ---- */

struct worker_slot *page_slot_take(struct page *page, size_t pool, int64_t now_us) {
    for (size_t i = 0; i < PAGE_SLOTS; i++) {
        struct worker_slot *slot = &page->slots[i];
        if (atomic_load(&slot->taken)) continue;
        atomic_store(&slot->ready, false);
        atomic_store(&slot->held, 0);
        atomic_store(&slot->n_in_hand, 0);
        atomic_store(&slot->on_trial, false);
        atomic_store(&slot->pool, (uint_fast32_t)pool);
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

/* ---- counting: nobody waits for anybody's numbers, so their order among each other does not matter ---- */

static void count(atomic_uint_fast64_t *number, uint64_t by) { atomic_fetch_add_explicit(number, by, memory_order_relaxed); }

void page_count_set(struct pool_counts *c, size_t requests, size_t events) {
    size_t i = 0;
    while (i + 1 < PAGE_SET_SIZES && requests > (size_t)1 << i) i++;
    count(&c->sets, 1);
    count(&c->set_sizes[i], 1);
    count(&c->requests, requests);
    if (events > 0) count(&c->events, events);
}

void page_count_request(struct pool_counts *c, int status, int64_t duration_us) {
    uint64_t us = duration_us > 0 ? (uint64_t)duration_us : 0;
    size_t i = 0;
    while (i + 1 < PAGE_DURATIONS && us >> i != 0) i++;
    count(&c->durations[i], 1);
    count(&c->duration_us, us);
    if (status >= 500) {
        count(&c->failed, 1);
    } else if (status >= 400) {
        count(&c->refused, 1);
    }
}

static bool due(atomic_int_fast64_t *last_us, int64_t every_us, int64_t now_us) {
    int_fast64_t last = atomic_load(last_us);
    return now_us - last >= every_us && atomic_compare_exchange_strong(last_us, &last, now_us);
}

bool page_probe_due(struct page *page, int64_t every_us, int64_t now_us) { return due(&page->probe_us, every_us, now_us); }

void page_probed(struct probe *probe, enum probe_state state, int64_t now_us) {
    atomic_store(&probe->state, (int_fast32_t)state);
    atomic_store(&probe->at_us, now_us);
}

/* ---- the breaker ---- */

bool page_breaker_is_open(const struct page *page) { return atomic_load_explicit(&page->breaker.open, memory_order_relaxed); }

/* The first look is due one turn later: the server has just shown that it hangs. */
bool page_breaker_open(struct page *page, int64_t now_us) {
    struct breaker *b = &page->breaker;
    bool closed = false;
    if (!atomic_compare_exchange_strong(&b->open, &closed, true)) return false;
    atomic_store(&b->opened_us, now_us);
    atomic_store(&b->probe_us, now_us);
    count(&b->trips, 1);
    return true;
}

bool page_breaker_due(struct page *page, int64_t every_us, int64_t now_us) {
    return page_breaker_is_open(page) && due(&page->breaker.probe_us, every_us, now_us);
}

bool page_breaker_close(struct page *page) {
    bool open = true;
    return atomic_compare_exchange_strong(&page->breaker.open, &open, false);
}
