/* base/ids.h: the identifiers, each a type of its own, so that a member cannot be passed for a tenant. */
#ifndef BASE_IDS_H
#define BASE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

typedef struct {
    uint32_t v;
} tenant_id; /* 0: no tenant (operator credentials) */
typedef struct {
    uint64_t v;
} member_no; /* random, 1 … 2^63−1 (MECHANICS 1: member_key) */

/* Where an outcome stands in the change log (MECHANICS 3): the lane's day, the lane, its count of transactions, the row in it. */
struct position {
    uint32_t day;  /* days since 1970-01-01 UTC */
    uint16_t lane; /* 1 … LANES_MAX */
    uint64_t n;    /* 1 … , per lane without gaps */
    uint16_t i;    /* 0 … , within the transaction */
};
bool position_eq(struct position a, struct position b);

struct uuid {
    uint8_t b[16];
};
struct uuid uuid_make(int64_t now_ms, const uint8_t random[10]); /* version 7, RFC 9562; pure */
/* The same on libuuid's randomness, but for the 12 bits after the time: the microseconds from now_ms to this call, 4095 at most. So ids of
 * requests that came one after the other within a millisecond stand in that order, whichever worker made them. */
struct uuid uuid_new(int64_t now_ms);
struct str uuid_text(struct arena *a, struct uuid u);         /* 36 characters, lower case */
MUST_CHECK bool uuid_of_text(struct str s, struct uuid *out); /* either case; (uuid_parse is libuuid's) */

/* A code of the tenant's: a letter or digit, then letters, digits, '.', '_', '-', ':'; at most CODE_BYTES_MAX. */
bool code_is_valid(struct str s);
/* source, id and member ids (SEMANTICS 1): 1–128 bytes of UTF-8 without control characters and without a segment "." or ".." */
bool public_id_is_valid(struct str s);

#endif
