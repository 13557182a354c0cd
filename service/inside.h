/* service/inside.h: struct service, for the files of service/ alone. */
#ifndef SERVICE_INSIDE_H
#define SERVICE_INSIDE_H

#include "cache/memcached.h"
#include "engine/config.h"
#include "service/keys.h"
#include "service/service.h"
#include "sql/members.h"

struct program_slot {
    tenant_id tenant;
    uint64_t version;
    uint64_t used; /* service.clock at the last use */
    struct arena *arena;
    size_t bytes;
    const struct program *program; /* NULL: it does not compile; not tried again before retry_us */
    int64_t retry_us;
};
struct tenant_keys_slot {
    tenant_id tenant;
    struct tenant_keys keys;
};
struct key_slot { /* a front row as it was read; for reads that allow a stale record */
    char key_id[API_KEY_ID_CHARS];
    int64_t read_us;
    struct arena *arena;
    struct front_row row;
};

struct page;
struct worker_slot;

enum { TENANT_KEYS_SLOTS = 4096, KEY_SLOTS = 1024 };

struct service {
    struct settings settings;
    struct page *page;        /* what all workers share; NULL: this is none */
    struct worker_slot *slot; /* its own part of it */
    struct arena *arena;      /* of the process */
    struct db *db;
    struct cache *cache;
    struct db_tally db_told; /* of these, what the page has by now (metrics_tell) */
    struct cache_counts cache_told;
    uint64_t lost_told;                   /* lines of the log */
    struct key32 installation, copies;    /* copies: seals those in memcached that belong to no member */
    struct tenant_keys_slot *tenant_keys; /* direct-mapped by tenant id */
    struct key_slot *key_slots;           /* direct-mapped by key id */
    struct program_slot *programs;
    size_t n_programs, cap_programs;
    uint64_t clock; /* counts uses of programs */
    struct lane_row lane;
    bool lane_owned;
    struct member_row *ahead; /* of the requests in hand, in their arena (members_ahead) */
    size_t n_ahead;
    bool front_fresh;      /* the tenants of the next set were read just now, with the keys */
    int64_t deadline_us;   /* of the request or set in hand, 0: none (commands, jobs) */
    uint64_t looked_trips; /* of the breaker, at the look that goes on (shared.c) */
};

/* The definitions of a version, each parsed from its stored text. */
MUST_CHECK enum problem definitions_load(struct service *s, struct arena *a, tenant_id t, uint64_t version, struct definition **out,
                                         size_t *n_out, struct faults *f);
bool code_has_number(const struct code_number *wanted, const struct code_number *codes, size_t n);
void service_count_retry(struct service *s, int why); /* TRIED_… of a set, 0: of another write */
bool service_is_late(const struct service *s);        /* past the deadline of the request in hand */
/* A new member's number and sealing key. */
void member_key_make(struct member_key_row *row);
/* Sets the zones of a loaded state from its zone numbers; a number that came after the program was compiled is looked up. */
MUST_CHECK enum db_result state_zones(struct service *s, struct arena *a, struct member_state *state, const struct program *p);
/* Fills attributes and groups of a state from its profile; false: the stored text is damaged. */
MUST_CHECK bool profile_parse(struct arena *a, const struct profile_row *row, struct member_state *s);

#endif
