/* service/retention.c: emptying by age (MECHANICS 1, "Retention" and "Watermark").
 *
 * Before anything is taken away the database is told from which day on everything is still there (sql/retention.h): verify needs to
 * know what may be missing, and a raised retention what was already forgotten. */
#include "base/clock.h"
#include "base/log.h"
#include "service/following.h"
#include "service/inside.h"
#include "service/upkeep.h"
#include "sql/partitions.h"
#include "sql/retention.h"

enum {
    PURGE_ROWS = 1000,
    PURGE_MS = 1000, /* per call and table; then the caller shows progress */
};
#define WINDOW_MARGIN_MS (EARLY_MS_MAX + MS_DAY) /* between a window and the retention of identities */

struct retention {
    struct service *s;
    struct arena *a;
    int64_t now_ms;
    struct upkeep_step *out;
    struct faults *faults;
    struct kept kept;
    struct tenant_row *tenants;
    size_t n_tenants;
    struct tenant_need {
        int64_t window_ms, cooldown_ms;
    } * needs;             /* by tenant */
    int64_t identities_ms; /* how long identities are kept, by the setting and the widest window */
};

/* ---- what tenants need ---- */

/* A configuration that does not compile any more may have any window that was ever allowed. */
static enum problem need_of(struct retention *w, const struct tenant_row *t, struct tenant_need *need) {
    *need = (struct tenant_need){.window_ms = WINDOW_MS_DEFAULT};
    if (t->config_version == 0) return P_OK;
    const struct program *program;
    enum problem p = program_get(w->s, t->id, t->config_version, &program, w->faults);
    if (p == P_CONFIG_UNUSABLE) {
        if (w->kept.identities_ms > WINDOW_MARGIN_MS) need->window_ms = w->kept.identities_ms - WINDOW_MARGIN_MS;
        need->cooldown_ms = INT64_MAX; /* its payments stay */
        *w->faults = faults_new(w->a);
        return P_OK;
    }
    if (p != P_OK) return p;
    need->window_ms = program->window_ms;
    for (size_t i = 0; i < program->n_rules; i++) {
        if (program->rules[i].cooldown_ms > need->cooldown_ms) need->cooldown_ms = program->rules[i].cooldown_ms;
    }
    programs_trim(w->s);
    return P_OK;
}

/* Both lists are sorted by id: what was found before is taken over for the tenants whose configuration is the same still. */
static const struct tenant_need *need_before(const struct retention *before, const struct tenant_row *t, size_t *at) {
    while (*at < before->n_tenants && before->tenants[*at].id.v < t->id.v) ++*at;
    bool same = *at < before->n_tenants && before->tenants[*at].id.v == t->id.v && before->tenants[*at].config_version == t->config_version;
    return same ? &before->needs[*at] : NULL;
}

static enum problem read_needs(struct retention *w, const struct retention *before) {
    size_t at = 0;
    enum db_result r = tenant_list(w->s->db, w->a, &w->tenants, &w->n_tenants);
    if (r != DB_OK) return service_problem(r, w->faults);
    w->needs = NEW_ARRAY(w->a, struct tenant_need, w->n_tenants);
    w->identities_ms = w->s->settings.identity_days * MS_DAY;
    for (size_t i = 0; i < w->n_tenants; i++) {
        const struct tenant_need *known = need_before(before, &w->tenants[i], &at);
        enum problem p = known ? P_OK : need_of(w, &w->tenants[i], &w->needs[i]);
        if (p != P_OK) return p;
        if (known) w->needs[i] = *known;
        if (w->needs[i].window_ms + WINDOW_MARGIN_MS > w->identities_ms) w->identities_ms = w->needs[i].window_ms + WINDOW_MARGIN_MS;
    }
    return P_OK;
}

/* ---- the watermark ---- */

/* Raised: what the former retention may have forgotten must never be accepted again. */
static enum db_result move_watermarks(struct retention *w) {
    struct db *db = w->s->db;
    enum db_result r = DB_OK;
    int64_t former = w->kept.identities_ms;
    if (former > 0 && former < w->identities_ms) {
        int64_t watermark = w->now_ms - (former - WINDOW_MARGIN_MS);
        r = watermarks_raise(db, w->a, watermark);
        log_line(LOG_WARN, "retention", "what=\"identities are kept longer from now on; watermarks moved\" watermark_ms=%lld",
                 (long long)watermark);
    }
    if (r == DB_OK) r = kept_write_identities_ms(db, w->a, w->identities_ms);
    return r == DB_OK ? db_commit(db) : r;
}

/* How long identities are kept is decided while no window can be widened (widest_window_ms, KEPT_LOCK). The windows were read once
 * before the lock, so that under it only those are read that have changed since. */
static enum problem decide(struct retention *w) {
    struct db *db = w->s->db;
    struct retention before = *w;
    enum db_result r = kept_read(db, w->a, &before.kept);
    enum problem p = r == DB_OK ? read_needs(&before, &(struct retention){0}) : service_problem(r, w->faults);
    if (p != P_OK) return p;
    r = db_begin(db);
    if (r == DB_OK) r = kept_lock(db, w->a, &w->kept);
    if (r == DB_OK) p = read_needs(w, &before);
    if (r == DB_OK && p == P_OK) r = move_watermarks(w);
    db_rollback(db);
    return p != P_OK ? p : service_problem(r, w->faults);
}

enum db_result widest_window_ms(struct service *s, struct arena *a, enum kept_how how, int64_t *out) {
    struct kept kept;
    enum db_result r = how == KEPT_LOCK ? kept_lock(s->db, a, &kept) : kept_read(s->db, a, &kept);
    int64_t retention = s->settings.identity_days * MS_DAY;
    if (r == DB_OK && kept.identities_ms > 0 && kept.identities_ms < retention) retention = kept.identities_ms;
    *out = retention - WINDOW_MARGIN_MS;
    return r;
}

/* ---- rows ---- */

enum purge { PURGE_IDENTITIES, PURGE_KEYS, PURGE_PAYMENTS };
struct purge_of {
    enum purge what;
    uint32_t day;
    int64_t before_ms;
    tenant_id tenant;
};

static enum db_result purge_some(struct retention *w, const struct purge_of *p, uint64_t *n) {
    switch (p->what) {
    case PURGE_IDENTITIES: return identities_purge(w->s->db, w->a, p->day, PURGE_ROWS, n);
    case PURGE_KEYS: return idempotency_purge(w->s->db, w->a, p->before_ms, PURGE_ROWS, n);
    case PURGE_PAYMENTS: return payments_purge(w->s->db, w->a, p->tenant, p->before_ms, PURGE_ROWS, n);
    }
    NEVER("a table that is not emptied");
}

static enum db_result purge(struct retention *w, struct purge_of p) {
    int64_t until = clock_monotonic_us() + PURGE_MS * 1000;
    enum db_result r = DB_OK;
    for (bool again = true; again && r == DB_OK;) {
        uint64_t n = 0;
        r = purge_some(w, &p, &n);
        w->out->done += n;
        again = n == PURGE_ROWS;
        if (!again || clock_monotonic_us() < until) continue;
        w->out->more = true;
        break;
    }
    return r;
}

static enum db_result purge_identities(struct retention *w) {
    int64_t before = (w->now_ms - w->identities_ms) / MS_DAY;
    if (before <= 0) return DB_OK;
    enum db_result r = (uint32_t)before > w->kept.identities_day ? kept_raise_identities_day(w->s->db, w->a, (uint32_t)before) : DB_OK;
    return r == DB_OK ? purge(w, (struct purge_of){.what = PURGE_IDENTITIES, .day = (uint32_t)before}) : r;
}

static enum db_result purge_payments(struct retention *w) {
    enum db_result r = DB_OK;
    for (size_t i = 0; i < w->n_tenants && r == DB_OK; i++) {
        const struct tenant_need *need = &w->needs[i];
        if (need->cooldown_ms == INT64_MAX) continue;
        int64_t before = w->now_ms - need->window_ms - need->cooldown_ms;
        r = purge(w, (struct purge_of){.what = PURGE_PAYMENTS, .tenant = w->tenants[i].id, .before_ms = before});
    }
    return r;
}

/* ---- partitions of outcomes ---- */

/* Whether a follower still has rows before the day to read in the lane. */
static enum db_result is_behind(struct retention *w, const struct lane_row *head, uint64_t n, uint32_t before_day, bool *out) {
    struct following f = {.lane = head->lane, .to_day = before_day - 1, .n = n, .to_n = head->n};
    struct outcome_row *rows;
    size_t n_rows;
    enum db_result r = first_day_kept(w->s->db, w->a, &f.day);
    if (r == DB_OK) r = follow(w->s->db, w->a, &f, 1, &rows, &n_rows);
    if (r == DB_OK && n_rows > 0) *out = true;
    return r;
}

static enum db_result follower_is_behind(struct retention *w, struct str name, uint32_t before_day, bool *out) {
    struct follower_row *positions;
    struct lane_row *heads;
    size_t n_positions, n_heads;
    enum db_result r = followers_read(w->s->db, w->a, name, &positions, &n_positions);
    if (r == DB_OK) r = lanes_read(w->s->db, w->a, &heads, &n_heads);
    for (size_t i = 0; r == DB_OK && i < n_heads && !*out; i++) {
        uint64_t n = 0;
        for (size_t k = 0; k < n_positions; k++) {
            if (positions[k].lane == heads[i].lane) n = positions[k].n;
        }
        if (n < heads[i].n) r = is_behind(w, &heads[i], n, before_day, out);
    }
    return r;
}

/* The roll-up follows whether it has ever run or not. */
static enum db_result somebody_is_behind(struct retention *w, uint32_t before_day, bool *out) {
    struct str *names;
    size_t n;
    enum db_result r = follower_is_behind(w, STR("rollup"), before_day, out);
    if (r == DB_OK) r = follower_names(w->s->db, w->a, &names, &n);
    for (size_t i = 0; r == DB_OK && i < n && !*out; i++) r = follower_is_behind(w, names[i], before_day, out);
    return r;
}

/* Outcomes are kept at least as long as identities. */
static enum db_result drop_partition(struct retention *w) {
    struct partition_row *rows;
    size_t n;
    enum db_result r = partitions_list(w->s->db, w->a, &rows, &n);
    if (r != DB_OK || n == 0 || rows->before_day == 0) return r;
    int64_t keep = w->s->settings.outcome_days * MS_DAY;
    if (w->identities_ms > keep) keep = w->identities_ms;
    uint32_t end = rows->before_day;
    if (end * MS_DAY > w->now_ms - keep) return DB_OK;
    bool behind = false;
    r = somebody_is_behind(w, end, &behind);
    if (r != DB_OK) return r;
    if (behind) {
        log_line(LOG_WARN, "retention", "what=\"outcomes are old enough to be dropped, but a follower has not read them\" before_day=%u",
                 end);
        return DB_OK;
    }
    r = kept_raise_outcomes_day(w->s->db, w->a, end);
    if (r == DB_OK) r = partition_drop(w->s->db, end);
    if (r != DB_OK && r != DB_NOT_FOUND) return r; /* not found: somebody was quicker */
    w->out->done += r == DB_OK;
    w->out->more = true;
    return DB_OK;
}

enum problem retention_step(struct service *s, struct arena *a, int64_t now_ms, struct upkeep_step *out, struct faults *f) {
    struct retention w = {.s = s, .a = a, .now_ms = now_ms, .out = out, .faults = f};
    *out = (struct upkeep_step){0};
    enum problem p = decide(&w);
    if (p != P_OK) return p;
    enum db_result r = purge_identities(&w);
    if (r == DB_OK) r = purge(&w, (struct purge_of){.what = PURGE_KEYS, .before_ms = now_ms - IDEMPOTENCY_MS});
    if (r == DB_OK) r = purge_payments(&w);
    if (r == DB_OK) r = drop_partition(&w);
    return service_problem(r, f);
}
