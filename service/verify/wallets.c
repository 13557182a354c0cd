/* service/verify/wallets.c: invariant 1 for one member: each wallet = Σ its entries = last balance_after, sequences without gaps, the hash
 * chain, times that do not go back; and entries and the transfers of outcomes tell the same.
 *
 * After a fault the walk goes on from what is stored, so that one fault is not reported for every entry behind it. */
#include <stdlib.h>
#include <string.h>

#include "service/verify/verifying.h"

struct wallet_walk {
    struct verifying *v;
    struct tenant_view *t;
    const struct member_view *m;
    struct recount *recount;
    struct arena *a;   /* of the page */
    struct str name;   /* "member 123 currency points part available" */
    struct entry last; /* seq 0 before the first */
    __int128 sum;
};

static struct str entry_text(const struct wallet_walk *w, uint64_t seq) {
    return str_printf(w->a, STR_FMT " seq %llu", STR_ARG(w->name), (unsigned long long)seq);
}

/* ---- one entry after the other ---- */

static bool part_is_known(enum part p) { return p == PART_AVAILABLE || p == PART_HELD; }

/* Numbers that no table has cannot have been hashed. */
static void check_hash(struct wallet_walk *w, const struct entry *e) {
    struct ledger_link link = {
        .tenant = w->m->ref.tenant,
        .member = w->m->ref.member,
        .currency = e->currency,
        .part = e->part,
        .seq = e->seq,
        .amount = e->amount,
        .balance_after = e->balance_after,
        .kind = e->kind,
        .contra = e->contra,
        .cause = e->cause,
        .transfer = e->transfer,
        .created_at = e->created_at,
    };
    if (part_is_known(e->part) && account_name(e->contra) != NULL && transfer_kind_name(e->kind) != NULL) {
        struct hash16 hash = ledger_hash(&w->t->keys->ledger, w->last.hash, &link);
        if (memcmp(hash.b, e->hash.b, sizeof hash.b) == 0) return;
    }
    violation(w->v, 1, w->t->row->code, entry_text(w, e->seq), "the hash is not that of its predecessor and its content");
}

static void check_follows(struct wallet_walk *w, const struct entry *e) {
    struct str code = w->t->row->code, where = entry_text(w, e->seq);
    if (e->seq != w->last.seq + 1) {
        violation(w->v, 1, code, where, "comes after seq %llu: what lies between is missing", (unsigned long long)w->last.seq);
        return; /* the rest would only say the same */
    }
    if (e->balance_after != sum_capped(w->last.balance_after, e->amount)) {
        violation(w->v, 1, code, where, "balance_after is %lld; %lld before and an amount of %lld give %lld", (long long)e->balance_after,
                  (long long)w->last.balance_after, (long long)e->amount, (long long)sum_capped(w->last.balance_after, e->amount));
    }
    if (w->last.seq > 0 && e->created_at < w->last.created_at) {
        violation(w->v, 1, code, where, "created_at %lld is before its predecessor's %lld", (long long)e->created_at,
                  (long long)w->last.created_at);
    }
    check_hash(w, e);
}

static int by_seq(const void *x, const void *y) {
    const struct entry *a = x, *b = &((const struct expected_transfer *)y)->e;
    if (a->currency != b->currency) return a->currency < b->currency ? -1 : 1;
    if (a->part != b->part) return a->part < b->part ? -1 : 1;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static const char *difference(const struct entry *e, const struct entry *o) {
    if (!position_eq(e->cause, o->cause)) return "the cause";
    if (e->amount != o->amount) return "the amount";
    if (e->balance_after != o->balance_after) return "balance_after";
    if (e->kind != o->kind) return "the kind";
    if (e->contra != o->contra) return "the contra account";
    return memcmp(e->transfer.b, o->transfer.b, sizeof e->transfer.b) != 0 ? "the transfer id" : NULL;
}

static void check_cause(struct wallet_walk *w, const struct entry *e) {
    struct recount *r = w->recount;
    struct expected_transfer *found = r->transfers.n > 0 ? bsearch(e, r->transfers.items, r->transfers.n, sizeof *found, by_seq) : NULL;
    struct str where = entry_text(w, e->seq);
    if (found != NULL) {
        const char *differs = difference(e, &found->e);
        found->met = true;
        if (differs != NULL) {
            violation(w->v, 1, w->t->row->code, where, "%s is not that of the transfer in " STR_FMT, differs,
                      STR_ARG(position_text(w->a, found->at)));
        }
    } else if (e->cause.day >= w->v->kept.outcomes_day) {
        violation(w->v, 1, w->t->row->code, where, "its cause, " STR_FMT ", has no such transfer of this member",
                  STR_ARG(position_text(w->a, e->cause)));
    }
}

/* ---- what the entries say of lifetimes (SEMANTICS 18, 21), of points earned and of contra accounts ---- */

static void add_currency(struct arena *a, struct recount *r, bool spent, uint16_t no, int64_t amount) {
    struct currency_sum *items = spent ? r->spent.items : r->earned.items;
    size_t n = spent ? r->spent.n : r->earned.n;
    for (size_t i = 0; i < n; i++) {
        if (items[i].currency == no) {
            items[i].sum += amount;
            return;
        }
    }
    if (spent) {
        *LIST_PUSH(a, &r->spent) = (struct currency_sum){no, amount};
    } else {
        *LIST_PUSH(a, &r->earned) = (struct currency_sum){no, amount};
    }
}

static void count_entry(struct wallet_walk *w, const struct entry *e) {
    note_number(w->t, CODE_CURRENCY, e->currency);
    struct recount *r = w->recount;
    bool earned = false, spent = false;
    accounts_add(r->a, &r->accounts, e->currency, (uint8_t)e->contra, e->amount);
    switch (e->kind) {
    case KIND_EARNED:
    case KIND_BONUS:
        tally_add(&r->tally, COUNTER_EARNED, e->currency, PERIOD_DAY, 0, e->amount);
        earned = true;
        break;
    case KIND_REFERRAL:
    case KIND_REVERSAL: earned = true; break;
    case KIND_ADJUSTMENT: earned = e->amount > 0; break;
    case KIND_SPENT:
    case KIND_CAPTURE:
    case KIND_REFUND: spent = true; break;
    default: break;
    }
    if (earned) add_currency(r->a, r, false, e->currency, e->amount);
    if (spent) add_currency(r->a, r, true, e->currency, e->amount > INT64_MIN ? -e->amount : INT64_MAX);
}

/* ---- a wallet ---- */

static enum db_result walk(struct wallet_walk *w, uint16_t currency, enum part part, uint64_t up_to) {
    enum db_result r = DB_OK;
    for (bool more = true; more && r == DB_OK;) {
        struct entry_row *rows;
        size_t n;
        arena_reset(w->a);
        w->name = str_printf(w->a, "member %llu currency " STR_FMT " part %s", (unsigned long long)w->m->ref.member.v,
                             STR_ARG(code_text(w->a, w->t, CODE_CURRENCY, currency)), part_name(part));
        r = entries_ascending(w->v->db, w->a, w->m->ref, currency, part, w->last.seq, PAGE_ROWS, &rows, &n);
        more = n == PAGE_ROWS && rows[n - 1].e.seq < up_to;
        for (size_t i = 0; i < n && r == DB_OK && rows[i].e.seq <= up_to; i++) {
            const struct entry *e = &rows[i].e;
            check_follows(w, e);
            check_cause(w, e);
            count_entry(w, e);
            w->sum += e->amount;
            w->last = *e;
            w->v->out->entries++;
        }
    }
    return r;
}

static void check_wallet(struct wallet_walk *w, const struct wallet *wallet) {
    struct str code = w->t->row->code;
    if (wallet->balance != w->sum || wallet->balance != w->last.balance_after) {
        violation(w->v, 1, code, w->name, "the state row has a balance of %lld; the entries add up to %lld, the last says %lld",
                  (long long)wallet->balance, (long long)narrow(w->sum), (long long)w->last.balance_after);
    }
    if (wallet->seq != w->last.seq) {
        violation(w->v, 1, code, w->name, "the state row is at seq %llu, the last entry has seq %llu", (unsigned long long)wallet->seq,
                  (unsigned long long)w->last.seq);
    } else if (memcmp(wallet->hash.b, w->last.hash.b, sizeof wallet->hash.b) != 0) {
        violation(w->v, 1, code, w->name, "the state row has another hash than the last entry");
    } else if (wallet->last_created_at != w->last.created_at) {
        violation(w->v, 1, code, w->name, "the state row says that the last entry was created at %lld, the entry says %lld",
                  (long long)wallet->last_created_at, (long long)w->last.created_at);
    }
}

static const struct wallet *wallet_of(const struct member_view *m, uint16_t currency, enum part part) {
    for (size_t i = 0; i < m->state.wallets.n && !m->damaged; i++) {
        const struct wallet *w = &m->state.wallets.items[i];
        if (w->currency == currency && w->part == part) return w;
    }
    return NULL;
}

static uint64_t last_seq(const struct member_view *m, uint16_t currency, enum part part) {
    for (size_t i = 0; i < m->n_wallets; i++) {
        if (m->wallets[i].currency == currency && m->wallets[i].part == part) return m->wallets[i].last_seq;
    }
    return 0;
}

/* wallet NULL: there are entries, but the state row has no such wallet, or cannot be read. */
static enum db_result prove(struct wallet_walk *w, uint16_t currency, enum part part, const struct wallet *wallet) {
    uint64_t last = last_seq(w->m, currency, part);
    w->last = (struct entry){0};
    w->sum = 0;
    w->name = str_printf(w->a, "member %llu currency " STR_FMT " part %s", (unsigned long long)w->m->ref.member.v,
                         STR_ARG(code_text(w->a, w->t, CODE_CURRENCY, currency)), part_name(part));
    w->v->out->wallets++;
    enum db_result r = walk(w, currency, part, wallet != NULL && wallet->seq > last ? wallet->seq : last);
    if (r != DB_OK) return r;
    if (wallet != NULL) {
        check_wallet(w, wallet);
    } else if (!w->m->damaged) {
        violation(w->v, 1, w->t->row->code, w->name, "has entries up to seq %llu, but the state row has no such wallet",
                  (unsigned long long)last);
    }
    return DB_OK;
}

static void find_unmet(struct wallet_walk *w) {
    for (size_t i = 0; i < w->recount->transfers.n; i++) {
        const struct expected_transfer *x = &w->recount->transfers.items[i];
        if (x->met) continue;
        violation(w->v, 1, w->t->row->code,
                  str_printf(w->a, "member %llu " STR_FMT, (unsigned long long)w->m->ref.member.v, STR_ARG(position_text(w->a, x->at))),
                  "its transfer of %lld " STR_FMT " part %s seq %llu has no entry", (long long)x->e.amount,
                  STR_ARG(code_text(w->a, w->t, CODE_CURRENCY, x->e.currency)), part_name(x->e.part), (unsigned long long)x->e.seq);
    }
}

enum db_result verify_wallets(struct verifying *v, struct tenant_view *t, const struct member_view *m, struct recount *recount) {
    struct wallet_walk w = {.v = v, .t = t, .m = m, .recount = recount, .a = arena_new()};
    enum db_result r = DB_OK;
    for (size_t i = 0; i < m->state.wallets.n && !m->damaged && r == DB_OK; i++) {
        const struct wallet *wallet = &m->state.wallets.items[i];
        r = prove(&w, wallet->currency, wallet->part, wallet);
    }
    for (size_t i = 0; i < m->n_wallets && r == DB_OK; i++) {
        const struct wallet_ref *ref = &m->wallets[i];
        if (wallet_of(m, ref->currency, ref->part) == NULL) r = prove(&w, ref->currency, ref->part, NULL);
    }
    if (r == DB_OK) find_unmet(&w);
    arena_free(&w.a);
    return r;
}
