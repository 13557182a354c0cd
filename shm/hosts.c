#include "shm/hosts.h"

enum { SHARE_BYTES = 3 * 8, NUMBER_BITS = 40 };
#define NUMBER_MAX ((UINT64_C(1) << NUMBER_BITS) - 1) /* of a tale: enough for one a second, for 30,000 years */

/* ---- rounds ---- */

bool hosts_due(struct hosts *h, bool busy, int64_t now_us) {
    int_fast64_t next_us = atomic_load_explicit(&h->next_us, memory_order_relaxed);
    if (now_us < next_us + (busy ? HOST_ROUND_US : 0)) return false;
    return atomic_compare_exchange_strong(&h->next_us, &next_us, now_us + HOST_ROUND_US);
}

void hosts_failed(struct hosts *h, int64_t now_us) {
    int64_t rest_us = atomic_load(&h->rest_us) * 2;
    if (rest_us < HOST_ROUND_US) rest_us = HOST_ROUND_US;
    if (rest_us > HOST_REST_US) rest_us = HOST_REST_US;
    atomic_store(&h->rest_us, rest_us);
    atomic_store(&h->next_us, now_us + rest_us);
}

void hosts_went_well(struct hosts *h) { atomic_store(&h->rest_us, 0); }

/* ---- peers ---- */

bool hosts_are_timely(int64_t told_ms, int64_t now_ms) {
    return told_ms <= now_ms + HOST_SKEW_US / 1000 && told_ms >= now_ms - (HOST_LIFE_US + HOST_SKEW_US) / 1000;
}

/* Whose the number is that stands in `heard`: the lowest 24 bits of the id. A place that goes to another host keeps the former's number
 * until one of the new host's is heard: it counts as none, for its mark is another one. So there is nothing to set to 0 when a place is
 * taken, and a worker that is stopped or killed in the midst of it leaves nothing half done, and undoes nothing when it goes on and others
 * have heard meanwhile. Of 16 million successors one has the former's mark: it is not heard until it has told as much as that one. */
static uint64_t mark_of(uint64_t id) { return id << NUMBER_BITS; }
static uint64_t number_of(uint64_t heard, uint64_t id) { return (heard & ~NUMBER_MAX) == mark_of(id) ? heard & NUMBER_MAX : 0; }

static struct host_peer *find(struct hosts *h, uint64_t id) {
    for (size_t i = 0; i < HOST_PEERS; i++) {
        if (atomic_load(&h->peers[i].id) == id) return &h->peers[i];
    }
    return NULL;
}

/* An empty place, or that of the one that was seen longest ago, unless its tales could still be heard again; NULL: there is none, or
 * another worker took it at the same time. */
static struct host_peer *take(struct hosts *h, uint64_t id, int64_t now_us) {
    struct host_peer *oldest = &h->peers[0];
    for (size_t i = 1; i < HOST_PEERS; i++) {
        if (atomic_load(&h->peers[i].seen_us) < atomic_load(&oldest->seen_us)) oldest = &h->peers[i];
    }
    uint_fast64_t former = atomic_load(&oldest->id);
    if (former != 0 && now_us - atomic_load(&oldest->seen_us) <= HOST_PEER_US) return NULL;
    return atomic_compare_exchange_strong(&oldest->id, &former, id) ? oldest : NULL;
}

/* Never back: one that was stopped since it looked at the clock must not have a host forgotten too early. */
static void seen(struct host_peer *peer, int64_t now_us) {
    int_fast64_t us = atomic_load(&peer->seen_us);
    while (us < now_us && !atomic_compare_exchange_weak(&peer->seen_us, &us, now_us)) continue;
}

uint64_t hosts_see(struct hosts *h, uint64_t id, uint64_t told, int64_t now_us) {
    struct host_peer *peer = find(h, id);
    if (peer == NULL) peer = take(h, id, now_us);
    if (peer == NULL) return told + 1;
    seen(peer, now_us);
    uint64_t heard = number_of(atomic_load(&peer->heard), id);
    if (heard >= told) return told + 1;
    return told - heard > HOST_TALES ? told - HOST_TALES + 1 : heard + 1;
}

/* The id is looked at after the number was read: a number that is another host's is the former's then, never one of who took the place
 * meanwhile. */
bool hosts_hear(struct hosts *h, uint64_t id, uint64_t number) {
    struct host_peer *peer = find(h, id);
    if (peer == NULL || number > NUMBER_MAX) return false;
    uint_fast64_t heard = atomic_load(&peer->heard);
    while (atomic_load(&peer->id) == id && number_of(heard, id) < number) {
        if (atomic_compare_exchange_strong(&peer->heard, &heard, mark_of(id) | number)) return true;
    }
    return false;
}

size_t hosts_there(const struct hosts *h, int64_t now_us) {
    size_t n = 0;
    for (size_t i = 0; i < HOST_PEERS; i++) {
        n += atomic_load(&h->peers[i].id) != 0 && now_us - atomic_load(&h->peers[i].seen_us) < HOST_LIFE_US;
    }
    return n;
}

/* ---- tales ---- */

struct str shares_text(struct arena *a, const struct rate_share *shares, size_t n) {
    struct buf b = buf_new(a, HOST_SHARES * SHARE_BYTES);
    for (size_t i = 0; i < n; i++) {
        buf_u64(&b, shares[i].name);
        buf_i64(&b, shares[i].used_ns);
        buf_i64(&b, shares[i].whole_ns);
    }
    MUST(buf_ok(&b));
    return buf_str(&b);
}

bool shares_parse(struct arena *a, struct str text, struct rate_share **out, size_t *n) {
    struct reader r = reader_of(text);
    *n = text.n / SHARE_BYTES;
    if (*n > HOST_SHARES) return false;
    *out = NEW_ARRAY(a, struct rate_share, *n);
    for (size_t i = 0; i < *n; i++) {
        uint64_t name = read_u64(&r);
        int64_t used_ns = read_i64(&r);
        (*out)[i] = (struct rate_share){name, used_ns, read_i64(&r)};
    }
    return reader_done(&r);
}
