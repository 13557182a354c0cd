#include "service/hosts.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/inside.h"
#include "shm/page.h"

/* Under accolade:rates: and the installation's mark there are slots 1 to HOST_SLOTS, in each the id of a host and the number of its last
 * tale, and the tales, each under its host's id and its number. All is sealed with the time and bound to its name: what others put there,
 * and an old tale under a new number, is found to be none; what was told too long ago is not heard. A slot is taken by writing to it; where
 * two do so at once, the one that finds the other's id there looks for another one in the next round. */
enum { FORMAT = 1, SLOT_LIFE_S = HOST_LIFE_US / 1000000, MARK_BYTES = 4, TIME_BYTES = 8 };
#define ROUND_US_MAX INT64_C(50000) /* then no further call is begun; a call takes 50 ms at most */

struct round {
    struct service *s;
    struct arena *a;
    struct hosts *hosts;
    struct key32 key;
    int64_t now_us;
    struct {
        uint64_t id, told; /* id 0: nobody's */
        bool timely;       /* no: it is taken, by a host whose clock is off or that ended long ago, and not listened to */
    } slots[HOST_SLOTS + 1];
    bool others;
};

bool hosts_are_shared(const struct service *s) {
    return s->page != NULL && s->settings.rates_shared != 0 && *s->settings.memcached != '\0';
}

static bool goes_on(const struct round *r) { return cache_is_usable(r->s->cache) && clock_monotonic_us() - r->now_us < ROUND_US_MAX; }

static struct str name_of(struct round *r, const char *what, uint64_t number, uint64_t id) {
    struct str mark = hex_text(r->a, (struct str){(const char *)r->key.b + SEAL_KEY_BYTES, MARK_BYTES});
    return str_printf(r->a, "accolade:rates:%d:" STR_FMT ":%s:%llx:%llu", FORMAT, STR_ARG(mark), what, (unsigned long long)id,
                      (unsigned long long)number);
}

/* timely: whether it was kept lately enough to be heard. */
static bool find(struct round *r, struct str name, struct str *out, bool *timely) {
    struct str sealed, text;
    if (!cache_get(r->s->cache, r->a, name, &sealed) || !crypto_open(r->a, r->key.b, name, sealed, &text)) return false;
    if (text.n < TIME_BYTES) return false;
    struct reader in = reader_of(text);
    *timely = hosts_are_timely(read_i64(&in), clock_now_ms());
    *out = (struct str){text.p + TIME_BYTES, text.n - TIME_BYTES};
    return true;
}

static void keep(struct round *r, struct str name, struct str text) {
    struct buf b = buf_new(r->a, TIME_BYTES + text.n);
    buf_i64(&b, clock_now_ms());
    buf_add(&b, text);
    cache_put(r->s->cache, name, crypto_seal(r->a, r->key.b, name, buf_str(&b)), SLOT_LIFE_S);
}

/* ---- slots ---- */

static bool read_slots(struct round *r) {
    for (uint64_t i = 1; i <= HOST_SLOTS; i++) {
        struct str text;
        if (!goes_on(r)) return false;
        bool timely;
        if (!find(r, name_of(r, "slot", i, 0), &text, &timely)) continue;
        struct reader in = reader_of(text);
        uint64_t id = read_u64(&in), told = read_u64(&in);
        if (!reader_done(&in)) continue;
        r->slots[i].id = id;
        r->slots[i].told = told;
        r->slots[i].timely = timely;
        r->others = r->others || (timely && id != r->hosts->id);
    }
    return goes_on(r);
}

/* Its own, while nobody else is there; else a free one. From where it begins to look depends on who it is: two that start at once seldom
 * meet. */
static int_fast32_t slot_for(const struct round *r) {
    int_fast32_t slot = atomic_load(&r->hosts->slot);
    if (slot > 0 && (r->slots[slot].id == 0 || r->slots[slot].id == r->hosts->id)) return slot;
    for (uint64_t i = 0; i < HOST_SLOTS; i++) {
        uint64_t at = 1 + (r->hosts->id + i) % HOST_SLOTS;
        if (r->slots[at].id == 0) return (int_fast32_t)at;
    }
    return HOST_SLOT_ALL_TAKEN;
}

static void take_slot(struct round *r) {
    int_fast32_t slot = slot_for(r), former = atomic_exchange(&r->hosts->slot, slot);
    if (slot == HOST_SLOT_ALL_TAKEN && former != slot)
        log_line(LOG_WARN, "rates", "what=\"more than %d hosts: what this one lets pass counts here alone\"", HOST_SLOTS);
}

/* ---- telling and hearing ---- */

/* A tale goes before the slot that names it. While nobody is there to hear it, what is to tell stays in the page. */
static void tell(struct round *r) {
    struct rate_share *shares;
    size_t left, n = 0;
    int_fast32_t slot = atomic_load(&r->hosts->slot);
    if (slot <= 0) return;
    if (r->others) n = rates_tell(&r->s->page->rates, r->a, r->now_us * 1000, HOST_SHARES, &shares, &left);
    if (n > 0) {
        uint64_t number = atomic_fetch_add(&r->hosts->told, 1) + 1;
        keep(r, name_of(r, "tale", number, r->hosts->id), shares_text(r->a, shares, n));
        atomic_fetch_add(&r->hosts->shares_told, n);
        atomic_fetch_add(&r->hosts->shares_left, left);
    }
    struct buf b = buf_new(r->a, 16);
    buf_u64(&b, r->hosts->id);
    buf_u64(&b, atomic_load(&r->hosts->told));
    keep(r, name_of(r, "slot", (uint64_t)slot, 0), buf_str(&b));
}

static void hear_tale(struct round *r, uint64_t id, uint64_t number) {
    struct str text;
    struct rate_share *shares;
    size_t n, heard = 0;
    bool timely;
    if (!find(r, name_of(r, "tale", number, id), &text, &timely) || !timely || !shares_parse(r->a, text, &shares, &n)) return;
    if (!hosts_hear(r->hosts, id, number)) return;
    for (size_t i = 0; i < n; i++) heard += rates_hear(&r->s->page->rates, &shares[i], r->now_us * 1000);
    atomic_fetch_add(&r->hosts->shares_heard, heard);
}

static void hear(struct round *r) {
    for (size_t i = 1; i <= HOST_SLOTS; i++) {
        uint64_t id = r->slots[i].id, told = r->slots[i].told;
        if (id == 0 || id == r->hosts->id || !r->slots[i].timely) continue;
        for (uint64_t number = hosts_see(r->hosts, id, told, r->now_us); number <= told && goes_on(r); number++) hear_tale(r, id, number);
    }
}

/* What is found and missed here says nothing of copies, of which the metrics speak; faults do. */
static void leave_out_of_counts(struct service *s, const struct cache_counts *before) {
    struct cache_counts after = cache_counts(s->cache);
    s->cache_told.hits += after.hits - before->hits;
    s->cache_told.misses += after.misses - before->misses;
    s->cache_told.stores += after.stores - before->stores;
}

bool hosts_round(struct service *s, struct arena *a, bool busy) {
    struct round r = {.s = s, .a = a, .now_us = clock_monotonic_us()};
    struct cache_counts before = cache_counts(s->cache);
    if (!hosts_are_shared(s) || !hosts_due(&s->page->hosts, busy, r.now_us)) return false;
    r.hosts = &s->page->hosts;
    r.key = crypto_hkdf(&s->installation, STR(""), STR("rates"));
    bool well = read_slots(&r);
    if (well) {
        take_slot(&r);
        tell(&r);
        hear(&r);
        well = cache_is_usable(s->cache);
    }
    if (well) {
        hosts_went_well(r.hosts);
    } else {
        hosts_failed(r.hosts, clock_monotonic_us());
    }
    leave_out_of_counts(s, &before);
    crypto_wipe(&r.key, sizeof r.key);
    return true;
}
