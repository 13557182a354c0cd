#include "engine/counters.h"
#include "engine/settling.h"

#include <string.h>

static bool raises_lifetime(enum transfer_kind kind, int64_t amount) {
    return kind == KIND_EARNED || kind == KIND_BONUS || (kind == KIND_ADJUSTMENT && amount > 0);
}

bool ledger_has_room(const struct settling *w, uint16_t currency, int64_t amount) {
    if (state_earned(w->s, currency) > BALANCE_MAX - amount) return false;
    for (size_t i = 0; i < w->s->wallets.n; i++) {
        const struct wallet *wallet = &w->s->wallets.items[i];
        if (wallet->currency == currency && wallet->part == PART_AVAILABLE) return wallet->balance <= BALANCE_MAX - amount;
    }
    return true;
}

/* The seed is fresh for every attempt, the position differs between the outcomes of a set, the count within an outcome. */
static struct uuid transfer_id(const struct settling *w) {
    struct buf b = buf_new(w->a, 64);
    buf_bytes(&b, w->env->seed, sizeof w->env->seed);
    buf_u32(&b, w->env->at.day);
    buf_u16(&b, w->env->at.lane);
    buf_u64(&b, w->env->at.n);
    buf_u16(&b, w->env->at.i);
    buf_u32(&b, w->transfers);
    MUST(buf_ok(&b));
    uint8_t hash[32];
    crypto_sha256(buf_str(&b), hash);
    return uuid_make(w->env->now_ms, hash);
}

static void entry_add(struct settling *w, const struct grant_result *g, struct wallet *wallet) {
    struct ledger_link link = {
        .tenant = w->s->tenant,
        .member = w->s->member,
        .currency = g->currency,
        .part = g->part,
        .seq = g->seq,
        .amount = g->amount,
        .balance_after = g->balance_after,
        .kind = g->kind,
        .contra = g->contra,
        .cause = w->env->at,
        .transfer = g->transfer,
        .created_at = wallet->last_created_at,
    };
    wallet->hash = ledger_hash(&w->env->keys->ledger, wallet->hash, &link);
    *LIST_PUSH(w->a, &w->out->entries) = (struct entry){
        .currency = g->currency,
        .part = g->part,
        .seq = g->seq,
        .amount = g->amount,
        .balance_after = g->balance_after,
        .kind = g->kind,
        .contra = g->contra,
        .cause = link.cause,
        .transfer = g->transfer,
        .created_at = link.created_at,
        .hash = wallet->hash,
    };
}

void ledger_transfer(struct settling *w, const struct grant_result *g) {
    struct wallet *wallet = state_wallet(w->a, w->s, g->currency, g->part);
    wallet->balance += g->amount;
    wallet->seq++;
    if (wallet->last_created_at < w->env->now_ms) wallet->last_created_at = w->env->now_ms;
    struct grant_result *made = LIST_PUSH(w->a, &w->out->grants);
    *made = *g;
    made->seq = wallet->seq;
    made->balance_after = wallet->balance;
    made->transfer = transfer_id(w);
    w->transfers++;
    entry_add(w, made, wallet);
    if (raises_lifetime(g->kind, g->amount)) state_lifetime(w->a, w->s, g->currency)->earned += g->amount;
    if (g->kind == KIND_EARNED || g->kind == KIND_BONUS) {
        static const struct zone_ref of_tenant = {.of = ZONE_TENANT};
        const struct counter *known = state_counter(w->s, COUNTER_EARNED, g->currency, PERIOD_DAY);
        int64_t day = counter_period(known, PERIOD_DAY, zone_at(w->p, w->s, &of_tenant, w->time_ms), w->time_ms, NULL);
        counter_add(w->a, w->s, COUNTER_EARNED, g->currency, PERIOD_DAY, day, g->amount);
    }
    w->s->hot_dirty = true;
}
