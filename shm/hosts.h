/* shm/hosts.h: what the workers of one host know together of the other hosts of the installation, so that rate limits hold for all of them
 * together (service/hosts.c): plain atomic numbers in the page, no locks.
 *
 * A host counts by itself and tells the others about once a second what it let pass. Each such tale has a number; a host that hears one
 * twice, or late, knows by that number; it hears only what was told lately, and remembers who told for longer than that, so that it charges
 * each tale once at most, as long as nobody sets its clock back. Two workers that do the same round at once, because one of them was
 * stopped in the midst of it, tell different parts under different numbers, and hear each tale once between them. */
#ifndef SHM_HOSTS_H
#define SHM_HOSTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "shm/rates.h"

enum {
    HOST_SLOTS = 16,    /* hosts of one installation that tell; slots are numbered from 1 */
    HOST_PEERS = 32,    /* that one remembers: each start of a pool counts as another host */
    HOST_SHARES = 1000, /* names of one tale: 24,000 bytes */
    HOST_TALES = 4,     /* how far back one that has not heard for a while goes */
    HOST_SLOT_NONE = 0,
    HOST_SLOT_ALL_TAKEN = -1,
};
#define HOST_ROUND_US INT64_C(1000000)  /* from one round to the next */
#define HOST_REST_US  INT64_C(16000000) /* at most, where rounds fail */
#define HOST_LIFE_US  INT64_C(10000000) /* who has said nothing for so long is there no more */
#define HOST_SKEW_US  INT64_C(5000000)  /* how far the clocks of two hosts may be apart */
/* A peer is remembered for at least so long: the last tale heard of it, by a clock that is ahead, is too old by then. */
#define HOST_PEER_US (HOST_LIFE_US + 2 * HOST_SKEW_US)

struct host_peer {
    atomic_uint_fast64_t id;     /* 0: none */
    atomic_uint_fast64_t heard;  /* the number of the last tale that was heard here, and of whose: see shm/hosts.c */
    atomic_int_fast64_t seen_us; /* clock_monotonic_us; only ever raised */
};
struct hosts {
    uint64_t id;                 /* of this one, random, never 0; written once */
    atomic_uint_fast64_t told;   /* the number of its last tale */
    atomic_int_fast32_t slot;    /* the one that it has */
    atomic_int_fast64_t next_us; /* when the next round is due */
    atomic_int_fast64_t rest_us; /* after the last that failed; 0: none did */
    struct host_peer peers[HOST_PEERS];
    atomic_uint_fast64_t shares_told, shares_left, shares_heard; /* left: there were more than HOST_SHARES */
};

/* Whether it is this worker's turn. One that has requests waiting leaves it to others for a second more. */
MUST_CHECK bool hosts_due(struct hosts *h, bool busy, int64_t now_us);
/* A round has failed: the next one comes after a second, after two, up to 16. */
void hosts_failed(struct hosts *h, int64_t now_us);
void hosts_went_well(struct hosts *h);

/* Whether what was told at told_ms, by the clock of the host that told it, may be heard now (both wall time): it is no older than a
 * host's life, and not from ahead, but for what clocks may be apart. */
bool hosts_are_timely(int64_t told_ms, int64_t now_ms);
/* Another host was seen, whose last tale has the number `told`. Gives the number of the first that is to be heard, `told` + 1 where there
 * is none, or where all places are those of peers that must still be remembered. */
uint64_t hosts_see(struct hosts *h, uint64_t id, uint64_t told, int64_t now_us);
/* Whether this tale is still to be heard: true once for each. Those before it that were not heard are given up. */
MUST_CHECK bool hosts_hear(struct hosts *h, uint64_t id, uint64_t number);
/* Other hosts seen lately. */
size_t hosts_there(const struct hosts *h, int64_t now_us);

/* A tale as text, and back; false: it is none. */
struct str shares_text(struct arena *a, const struct rate_share *shares, size_t n);
MUST_CHECK bool shares_parse(struct arena *a, struct str text, struct rate_share **out, size_t *n);

#endif
