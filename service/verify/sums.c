/* service/verify/sums.c: invariant 2: per tenant and currency Σ wallets + Σ tenant-side balances = 0, at one cut of the lanes, while
 * events go on.
 *
 * The cut is a position per lane. At first it stands where a snapshot saw the lanes; the tenant-side balances there are the roll-ups of
 * the same snapshot, less what the lanes hold between the roll-up's positions and the cut. Then members are read in slices. Each
 * slice's snapshot stands a little later: the cut moves there, and every transfer on the way is taken from the tenant side, and given
 * to the wallets where its member was in an earlier slice. Then the slice's own wallets, which are as of this cut, are added. So each
 * outcome is read once, and when the last slice is in, all wallets are as of one cut, which is that of the tenant side.
 *
 * The same is proved of each contra account for itself, with the entries that name it in the place of the wallets: those of a slice are
 * read up to where its snapshot saw them, so they stand at the same cut.
 *
 * Of one tenant's own rows (verify_options) the cut stays where the roll-up stood. What each member's outcomes beyond it moved is added
 * with the member's wallets, both as of the member's snapshot. */
#include "service/following.h"
#include "service/verify/verifying.h"

void sums_add(struct verifying *v, size_t tenant, uint16_t currency, __int128 amount) {
    struct tenant_sums *sums = &v->sums[tenant];
    for (size_t i = 0; i < sums->list.n; i++) {
        if (sums->list.items[i].currency != currency) continue;
        sums->list.items[i].sum += amount;
        return;
    }
    *LIST_PUSH(v->run, &sums->list) = (struct currency_sum){currency, amount};
}

void accounts_add(struct arena *a, struct account_sums *sums, uint16_t currency, uint8_t account, __int128 amount) {
    for (size_t i = 0; i < sums->list.n; i++) {
        struct account_sum *x = &sums->list.items[i];
        if (x->currency != currency || x->account != account) continue;
        x->sum += amount;
        return;
    }
    *LIST_PUSH(a, &sums->list) = (struct account_sum){currency, account, amount};
}

/* To a tenant-side account. */
static void add_tenant_side(struct verifying *v, size_t tenant, uint16_t currency, uint8_t account, __int128 amount) {
    sums_add(v, tenant, currency, amount);
    accounts_add(v->run, &v->sums[tenant].accounts, currency, account, amount);
}

/* SIZE_MAX: not one of those that are verified. */
static size_t tenant_index(const struct verifying *v, tenant_id t) {
    size_t low = 0, high = v->n_tenants;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (v->tenants[middle].id.v == t.v) return middle;
        if (v->tenants[middle].id.v < t.v) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return SIZE_MAX;
}

/* A transfer within the cut of a member who is done changes both sides: together nothing. */
static void move_over(struct verifying *v, const struct outcome_row *row, struct arena *a) {
    size_t tenant = tenant_index(v, row->tenant);
    if (tenant == SIZE_MAX || tenant < v->done_tenants) return;
    if (tenant == v->done_tenants && row->member.v <= v->done_member.v) return;
    struct outcome o;
    if (!outcome_decode(a, row->clear, &o)) return; /* a violation of its own */
    for (size_t i = 0; i < o.grants.n; i++) {
        const struct grant_result *g = &o.grants.items[i];
        add_tenant_side(v, tenant, g->currency, (uint8_t)g->contra, -(__int128)g->amount);
    }
}

static enum db_result advance_lane(struct verifying *v, const struct lane_row *head) {
    struct lane_cut *cut = &v->cut[head->lane];
    struct following f = {.lane = head->lane, .day = cut->day, .to_day = head->day, .n = cut->n, .to_n = head->n};
    struct arena *a = arena_new();
    enum db_result r = DB_OK;
    for (bool more = cut->n < head->n; more && r == DB_OK;) {
        struct outcome_row *rows;
        size_t n;
        arena_reset(a);
        r = follow(v->db, a, &f, FOLLOW_ROWS, &rows, &n);
        for (size_t i = 0; i < n && r == DB_OK; i++) move_over(v, &rows[i], a);
        more = n > 0;
    }
    arena_free(&a);
    *cut = (struct lane_cut){head->day, head->n};
    return r;
}

bool sums_wants(const struct verifying *v, struct position at) { return v->options->own && at.n > v->cut[at.lane].n; }

void sums_add_moved(struct verifying *v, size_t tenant, const struct account_sums *moved) {
    for (size_t i = 0; i < moved->list.n; i++) {
        const struct account_sum *x = &moved->list.items[i];
        add_tenant_side(v, tenant, x->currency, x->account, x->sum);
    }
}

enum db_result sums_advance(struct verifying *v, const struct lane_row *heads, size_t n) {
    enum db_result r = DB_OK;
    if (v->options->own) return DB_OK;
    for (size_t i = 0; i < n && r == DB_OK; i++) r = advance_lane(v, &heads[i]);
    return r;
}

static enum db_result read_rollups(struct verifying *v) {
    enum db_result r = DB_OK;
    for (size_t i = 0; i < v->n_tenants && r == DB_OK; i++) {
        struct rollup_row *rows;
        size_t n;
        r = rollups_read(v->db, v->run, v->tenants[i].id, &rows, &n);
        for (size_t k = 0; k < n && r == DB_OK; k++) add_tenant_side(v, i, rows[k].currency, rows[k].account, rows[k].balance);
    }
    return r;
}

/* A lane that the roll-up has not met yet is folded from its first day. */
static void begin_at_rollup(struct verifying *v, const struct follower_row *positions, size_t n, uint32_t first_day) {
    v->cut = NEW_ARRAY(v->run, struct lane_cut, LANE_SLOTS);
    for (size_t i = 0; i < LANE_SLOTS; i++) v->cut[i].day = first_day;
    for (size_t i = 0; i < n; i++) {
        struct lane_cut *cut = &v->cut[positions[i].lane];
        cut->n = positions[i].n;
        if (positions[i].day > cut->day) cut->day = positions[i].day;
    }
}

enum db_result sums_begin(struct verifying *v) {
    v->sums = NEW_ARRAY(v->run, struct tenant_sums, v->n_tenants);
    verify_progress(v, "tenant-side balances", 0, 0);
    struct follower_row *positions = NULL;
    struct lane_row *heads = NULL;
    size_t n_positions = 0, n_heads = 0;
    uint32_t first_day = 0;
    enum db_result r = first_day_kept(v->db, v->run, &first_day);
    if (r == DB_OK) r = db_begin_snapshot(v->db);
    if (r == DB_OK) r = read_rollups(v);
    if (r == DB_OK) r = followers_read(v->db, v->run, STR("rollup"), &positions, &n_positions);
    if (r == DB_OK) r = lanes_read(v->db, v->run, &heads, &n_heads);
    db_rollback(v->db);
    if (r != DB_OK) return r;
    begin_at_rollup(v, positions, n_positions, first_day);
    return sums_advance(v, heads, n_heads);
}
