/* service/rollup.c: tenant-side balances, folded from the lanes (DESIGN 6): what a wallet gets, its contra account loses. */
#include <stdlib.h>

#include "base/log.h"
#include "engine/outcome.h"
#include "service/following.h"
#include "service/inside.h"
#include "service/upkeep.h"

enum { ROLLUP_ROWS = 5000 }; /* of outcomes per transaction: a fraction of a second */

static const struct str FOLLOWER = {"rollup", 6};

struct fold {
    struct service *s;
    struct arena *a;
    LIST(struct rollup_row) sums;
    size_t done;
    struct str damage; /* the first place that cannot be folded */
};

static int by_account(const void *x, const void *y) {
    const struct rollup_row *a = x, *b = y;
    if (a->tenant.v != b->tenant.v) return a->tenant.v < b->tenant.v ? -1 : 1;
    if (a->currency != b->currency) return a->currency < b->currency ? -1 : 1;
    return a->account < b->account ? -1 : a->account > b->account;
}

/* Sorted, one row for each account: the order in which they are locked. */
static void merge_sums(struct fold *w) {
    size_t kept = 0;
    if (w->sums.n > 0) qsort(w->sums.items, w->sums.n, sizeof *w->sums.items, by_account);
    for (size_t i = 0; i < w->sums.n; i++) {
        struct rollup_row *last = kept > 0 ? &w->sums.items[kept - 1] : NULL;
        if (last != NULL && by_account(last, &w->sums.items[i]) == 0) {
            last->balance += w->sums.items[i].balance;
        } else {
            w->sums.items[kept++] = w->sums.items[i];
        }
    }
    w->sums.n = kept;
}

/* The rows of one transaction of a lane, all or none; false: they are damaged. */
static bool fold_one(struct fold *w, const struct outcome_row *rows, size_t n) {
    struct outcome *outcomes = NEW_ARRAY(w->a, struct outcome, n);
    if (n != rows->of) return false;
    for (size_t i = 0; i < n; i++) {
        if (!outcome_decode(w->a, rows[i].clear, &outcomes[i])) return false;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < outcomes[i].grants.n; k++) {
            const struct grant_result *g = &outcomes[i].grants.items[k];
            *LIST_PUSH(w->a, &w->sums) = (struct rollup_row){rows[i].tenant, g->currency, (uint8_t)g->contra, -g->amount};
        }
    }
    return true;
}

/* Moves the position over whole transactions without gaps; stops at the first that is not. */
static void fold_rows(struct fold *w, struct follower_row *at, const struct outcome_row *rows, size_t n) {
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && rows[to].at.n == rows[from].at.n; to++) {
        }
        /* After retention the first kept need not be 1; but it drops nothing that was not folded. */
        if (rows[from].at.n != at->n + 1 || !fold_one(w, &rows[from], to - from)) {
            w->damage = str_printf(w->a, "lane %u is damaged at day %u n %llu: run accolade verify", at->lane, rows[from].at.day,
                                   (unsigned long long)rows[from].at.n);
            return;
        }
        at->n = rows[from].at.n;
        at->day = rows[from].at.day;
        w->done += to - from;
    }
}

static enum db_result fold_lane(struct fold *w, const struct lane_row *head, struct follower_row at) {
    struct following f = {.lane = head->lane, .day = at.day, .to_day = head->day, .n = at.n, .to_n = head->n};
    struct outcome_row *rows;
    size_t n, before = w->done;
    enum db_result r = follow(w->s->db, w->a, &f, ROLLUP_ROWS - w->done, &rows, &n);
    if (r != DB_OK) return r;
    if (n == 0) {
        w->damage = str_printf(w->a, "lane %u is damaged after n %llu: run accolade verify", head->lane, (unsigned long long)at.n);
        return DB_OK;
    }
    fold_rows(w, &at, rows, n);
    return w->done > before ? follower_write(w->s->db, w->a, &at) : DB_OK;
}

static struct follower_row position_in(const struct follower_row *positions, size_t n, const struct lane_row *head, uint32_t first_day) {
    struct follower_row at = {.name = FOLLOWER, .lane = head->lane, .day = first_day};
    for (size_t i = 0; i < n; i++) {
        if (positions[i].lane == head->lane) at = positions[i];
    }
    return at;
}

/* The heads are read before the rows: up to there all rows are there. */
static enum db_result fold(struct fold *w) {
    struct db *db = w->s->db;
    struct follower_row *positions;
    struct lane_row *heads;
    size_t n_positions, n_heads;
    uint32_t first_day;
    enum db_result r = followers_lock(db, w->a, FOLLOWER, &positions, &n_positions);
    if (r == DB_OK) r = lanes_read(db, w->a, &heads, &n_heads);
    if (r == DB_OK) r = first_day_kept(db, w->a, &first_day);
    for (size_t i = 0; r == DB_OK && i < n_heads && w->done < ROLLUP_ROWS; i++) {
        struct follower_row at = position_in(positions, n_positions, &heads[i], first_day);
        if (heads[i].n > at.n) r = fold_lane(w, &heads[i], at);
    }
    if (r != DB_OK) return r;
    merge_sums(w);
    return w->sums.n > 0 ? rollups_add(db, w->a, w->sums.items, w->sums.n) : DB_OK;
}

enum problem rollup_step(struct service *s, struct arena *a, int64_t now_ms, struct upkeep_step *out, struct faults *f) {
    (void)now_ms; /* lanes say themselves where they end */
    struct fold w = {.s = s, .a = a};
    *out = (struct upkeep_step){0};
    enum db_result r = db_begin(s->db);
    if (r == DB_OK) r = fold(&w);
    if (r == DB_OK) r = db_commit(s->db);
    db_rollback(s->db);
    if (r != DB_OK) return service_problem(r, f);
    *out = (struct upkeep_step){.done = w.done, .more = w.done > 0};
    if (w.damage.n == 0 || w.done > 0) return P_OK;
    log_line(LOG_ERROR, "rollup", "what=%s", log_quote(a, w.damage));
    return fault_say(f, P_INTERNAL, STR_FMT, STR_ARG(w.damage));
}
