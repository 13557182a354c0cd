/* service/verify/lanes.c: the change log itself (MECHANICS 3): per lane n has no gaps from its first row kept, all rows of each n are
 * there, n and the day go up together, the lane's own row says where it ends; followers are not ahead; every outcome is of some tenant.
 *
 * Followers are read first, then the heads, then the rows up to the heads, then the heads again: what a head says is there for whoever
 * reads afterwards, and nothing lies beyond a head that is read last. */
#include "service/following.h"
#include "service/verify/verifying.h"

struct lane_walk {
    bool known; /* it has a row in `lane` */
    struct lane_row head;
    uint64_t n; /* of the last transaction met, up to the head */
    uint32_t day;
    uint64_t highest; /* n of any row, beyond the head too */
    uint32_t beyond_day;
    bool met; /* any row */
};
struct lanes_walk {
    struct verifying *v;
    struct arena *a;
    struct lane_walk *lanes; /* by number */
    struct tenant_row *tenants;
    size_t n_tenants;
    tenant_id stranger; /* the last one that was found not to exist */
    uint64_t done, of;
};

static struct str lane_text(struct arena *a, unsigned lane) { return str_printf(a, "lane %u", lane); }
static struct str place_text(struct arena *a, struct position at) {
    return str_printf(a, "lane %u day %u n %llu", at.lane, at.day, (unsigned long long)at.n);
}

/* ---- followers ---- */

static void check_follower(struct lanes_walk *w, const struct follower_row *f) {
    const struct lane_walk *lane = &w->lanes[f->lane];
    struct str where = str_printf(w->a, "follower " STR_FMT " lane %u", STR_ARG(f->name), f->lane);
    if (!lane->known) {
        violation(w->v, 0, STR(""), where, "is at n %llu of a lane that does not exist", (unsigned long long)f->n);
    } else if (f->n > lane->head.n || f->day > lane->head.day) {
        violation(w->v, 0, STR(""), where, "is at day %u n %llu, ahead of the lane, which ends at day %u n %llu", f->day,
                  (unsigned long long)f->n, lane->head.day, (unsigned long long)lane->head.n);
    }
}

static enum db_result read_followers(struct lanes_walk *w, struct follower_row **out, size_t *n_out) {
    struct str *names;
    size_t n_names;
    LIST(struct follower_row) all = {0};
    enum db_result r = follower_names(w->v->db, w->a, &names, &n_names);
    for (size_t i = 0; i < n_names && r == DB_OK; i++) {
        struct follower_row *rows;
        size_t n;
        r = followers_read(w->v->db, w->a, names[i], &rows, &n);
        for (size_t k = 0; k < n && r == DB_OK; k++) *LIST_PUSH(w->a, &all) = rows[k];
    }
    *out = all.items;
    *n_out = all.n;
    return r;
}

/* ---- rows ---- */

/* A tenant may have been made since the list was read. */
static enum db_result check_tenant(struct lanes_walk *w, const struct outcome_row *row) {
    for (size_t i = 0; i < w->n_tenants; i++) {
        if (w->tenants[i].id.v == row->tenant.v) return DB_OK;
    }
    if (w->stranger.v == row->tenant.v) return DB_OK;
    struct tenant_row found;
    enum db_result r = tenant_by_id(w->v->db, w->a, row->tenant, &found);
    if (r != DB_NOT_FOUND) return r;
    w->stranger = row->tenant;
    violation(w->v, 0, STR(""), position_text(w->a, row->at), "is of tenant %u, which does not exist", row->tenant.v);
    return DB_OK;
}

/* The rows of one n: as many as each of them says. Their i may have gaps: a place that was given to an event which turned out to be
 * settled elsewhere stays empty. */
static void check_whole(struct lanes_walk *w, const struct outcome_row *rows, size_t n) {
    bool same = true;
    for (size_t i = 0; i < n; i++) same = same && rows[i].of == rows->of;
    if (same && n == rows->of) return;
    violation(w->v, 0, STR(""), place_text(w->a, rows->at), "has %zu rows; its first says that there are %u", n, rows->of);
}

static void check_order(struct lanes_walk *w, struct lane_walk *lane, struct position at) {
    struct str where = place_text(w->a, at);
    if (lane->n == 0 && at.n != 1 && w->v->kept.outcomes_day == 0) {
        violation(w->v, 0, STR(""), where, "is the first of its lane, but nothing was ever dropped: n 1 to %llu are missing",
                  (unsigned long long)(at.n - 1));
    } else if (lane->n > 0 && at.n <= lane->n) {
        violation(w->v, 0, STR(""), where, "comes after n %llu, which has the earlier day %u", (unsigned long long)lane->n, lane->day);
    } else if (lane->n > 0 && at.n != lane->n + 1) {
        violation(w->v, 0, STR(""), where, "comes after n %llu: what lies between is missing", (unsigned long long)lane->n);
    }
    if (at.n > lane->n) {
        lane->n = at.n;
        lane->day = at.day;
    }
}

static enum db_result check_rows(struct lanes_walk *w, const struct outcome_row *rows, size_t n) {
    struct lane_walk *lane = &w->lanes[rows->at.lane];
    enum db_result r = DB_OK;
    lane->met = true;
    for (size_t from = 0, to; from < n && r == DB_OK; from = to) {
        for (to = from; to < n && rows[to].at.n == rows[from].at.n; to++) {
        }
        if (rows[from].at.n > lane->highest) {
            lane->highest = rows[from].at.n;
            lane->beyond_day = rows[from].at.day;
        }
        check_whole(w, &rows[from], to - from);
        if (lane->known && rows[from].at.n <= lane->head.n) check_order(w, lane, rows[from].at);
        for (size_t i = from; i < to && r == DB_OK; i++) r = check_tenant(w, &rows[i]);
        w->done++;
    }
    return r;
}

static enum db_result walk_stripe(struct lanes_walk *w, uint32_t day, uint16_t lane) {
    struct following f = {.lane = lane, .day = day, .to_day = day, .to_n = UINT64_MAX};
    struct arena *a = arena_new(), *before = w->a;
    enum db_result r = DB_OK;
    w->a = a;
    for (bool more = true; more && r == DB_OK;) {
        struct outcome_row *rows;
        size_t n;
        arena_reset(a);
        r = follow(w->v->db, a, &f, FOLLOW_ROWS, &rows, &n);
        more = n > 0;
        if (r == DB_OK && more) r = check_rows(w, rows, n);
        verify_progress(w->v, "lanes", w->done, w->of > w->done ? w->of : w->done);
    }
    w->a = before;
    arena_free(&a);
    return r;
}

/* ---- heads ---- */

static void check_end(struct lanes_walk *w, unsigned number) {
    const struct lane_walk *lane = &w->lanes[number];
    const struct lane_row *head = &lane->head;
    if (!lane->known || head->n == 0 || head->day < w->v->kept.outcomes_day) return; /* all of it may have been dropped */
    if (lane->n != head->n) {
        violation(w->v, 0, STR(""), lane_text(w->a, number), "ends at n %llu on day %u, but the last outcome there has n %llu",
                  (unsigned long long)head->n, head->day, (unsigned long long)lane->n);
    } else if (lane->day != head->day) {
        violation(w->v, 0, STR(""), lane_text(w->a, number), "ends at n %llu on day %u, but that outcome has day %u",
                  (unsigned long long)head->n, head->day, lane->day);
    }
}

static enum db_result check_beyond(struct lanes_walk *w) {
    struct lane_row *heads;
    size_t n;
    enum db_result r = lanes_read(w->v->db, w->a, &heads, &n);
    if (r != DB_OK) return r;
    for (size_t i = 0; i < n; i++) {
        struct lane_walk *lane = &w->lanes[heads[i].lane];
        lane->known = true;
        if (lane->highest <= heads[i].n) continue;
        violation(w->v, 0, STR(""), lane_text(w->a, heads[i].lane), "ends at n %llu, but there is an outcome with n %llu on day %u",
                  (unsigned long long)heads[i].n, (unsigned long long)lane->highest, lane->beyond_day);
    }
    for (unsigned i = 0; i < LANE_SLOTS; i++) {
        if (w->lanes[i].met && !w->lanes[i].known) violation(w->v, 0, STR(""), lane_text(w->a, i), "has outcomes but no row of its own");
    }
    return DB_OK;
}

static enum db_result read_heads(struct lanes_walk *w) {
    struct lane_row *heads;
    size_t n;
    enum db_result r = lanes_read(w->v->db, w->a, &heads, &n);
    for (size_t i = 0; i < n && r == DB_OK; i++) {
        struct lane_walk *lane = &w->lanes[heads[i].lane];
        lane->known = true;
        lane->head = heads[i];
        w->of += heads[i].n;
    }
    w->v->out->lanes += n;
    return r;
}

static enum db_result walk(struct lanes_walk *w) {
    struct follower_row *followers = NULL;
    size_t n_followers = 0;
    enum db_result r = tenant_list(w->v->db, w->a, &w->tenants, &w->n_tenants);
    if (r == DB_OK) r = read_followers(w, &followers, &n_followers);
    if (r == DB_OK) r = read_heads(w);
    if (r != DB_OK) return r;
    for (size_t i = 0; i < n_followers; i++) check_follower(w, &followers[i]);
    uint32_t day = 0;
    uint16_t lane = 0;
    while ((r = stripe_next(w->v->db, w->a, &day, &lane)) == DB_OK) {
        r = walk_stripe(w, day, lane);
        if (r != DB_OK) return r;
    }
    if (r != DB_NOT_FOUND) return r;
    for (unsigned i = 0; i < LANE_SLOTS; i++) check_end(w, i);
    return check_beyond(w);
}

enum db_result verify_lanes(struct verifying *v) {
    enum db_result r = DB_OK;
    for (bool again = true; again && r == DB_OK;) {
        struct verify_mark mark;
        struct lanes_walk w = {.v = v, .a = arena_new()};
        w.lanes = NEW_ARRAY(w.a, struct lane_walk, LANE_SLOTS);
        r = verify_mark(v, &mark);
        if (r == DB_OK) r = walk(&w);
        if (r == DB_OK) r = verify_again(v, &mark, &again);
        arena_free(&w.a);
    }
    return r;
}
