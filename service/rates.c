#include "service/rates.h"

#include "base/clock.h"
#include "service/inside.h"
#include "shm/page.h"

#define NS_PER_S INT64_C(1000000000)

static int64_t seconds_up(int64_t ns) { return (ns + NS_PER_S - 1) / NS_PER_S; }

static struct rate_limit of_installation(const struct service *s, enum rate rate) {
    switch (rate) {
#define RATE(id, name, setting)                                                                                                            \
    case id:                                                                                                                               \
        return (struct rate_limit){s->settings.setting, MS_MINUTE};
#include "base/rates.def"
#undef RATE
    case RATE_NONE:
    case RATE__MAX: break;
    }
    NEVER("a rate limit without a setting");
}

/* A tenant narrows the limits of its keys, which protect everybody else, and decides on those of its members. A configuration that cannot
 * be had says nothing: who needs it says so later. */
static struct rate_limit limit_of(struct service *s, const struct credential *who, enum rate rate, struct arena *a) {
    struct rate_limit whole = of_installation(s, rate), own = {0};
    const struct program *program;
    struct faults ignored = faults_new(a);
    if (who->tenant.id.v != 0 && program_get(s, who->tenant.id, who->tenant.config_version, &program, &ignored) == P_OK) {
        own = program->rates[rate];
    }
    bool narrower = whole.count == 0 || (own.count <= whole.count && own.count * whole.period_ms <= whole.count * own.period_ms);
    return own.count > 0 && (narrower || rate == RATE_SELF) ? own : whole;
}

static uint64_t name_of(const struct credential *who, enum rate rate, struct str route) {
    const struct str text = str_of(rate_names[rate - 1]), tenant = {(const char *)&who->tenant.id.v, sizeof who->tenant.id.v},
                     member = {(const char *)&who->member.v, sizeof who->member.v};
    if (rate != RATE_SELF) return rate_cell_name((const struct str[]){text, who->key_id}, 2);
    return rate_cell_name((const struct str[]){text, tenant, member, route}, 4);
}

static enum problem take(struct service *s, const struct credential *who, enum rate rate, const struct rate_use *use,
                         struct rates_told *told, struct faults *f) {
    struct rate_limit limit = limit_of(s, who, rate, f->arena);
    if (limit.count == 0) return P_OK;
    struct gcra gcra = gcra_of(limit.count, limit.period_ms);
    int64_t now_ns = clock_monotonic_us() * 1000;
    uint64_t cell = name_of(who, rate, use->route);
    if (use->paid > 0) rate_give_back(&s->page->rates, cell, gcra, use->paid);
    struct gcra_answer answer = rate_take(&s->page->rates, cell, gcra, now_ns, use->cost);
    const char *name = rate_names[rate - 1];
    MUST(told->n < RATES_PER_REQUEST);
    told->items[told->n++] = (struct rate_told){
        .name = name,
        .count = limit.count,
        .period_s = limit.period_ms / MS_SECOND,
        .remaining = answer.remaining,
        .full_s = seconds_up(answer.full_ns),
    };
    if (answer.passes) return P_OK;
    atomic_fetch_add_explicit(&s->page->rate_refused[rate], 1, memory_order_relaxed);
    f->retry_after = seconds_up(answer.wait_ns);
    return fault_say(f, P_RATE, "the rate limit \"%s\" of this %s is %lld in %lld s; the same request passes in %lld s", name,
                     rate == RATE_SELF ? "member" : "credential", (long long)limit.count, (long long)(limit.period_ms / MS_SECOND),
                     (long long)f->retry_after);
}

enum problem rates_take(struct service *s, const struct credential *who, const struct rate_use *use, struct rates_told *told,
                        struct faults *f) {
    told->n = 0;
    if (s->page == NULL || use->rate == RATE_NONE) return P_OK;
    enum problem p = take(s, who, use->rate, use, told, f);
    if (p == P_OK && (who->scopes & SCOPE_SELF) != 0) p = take(s, who, RATE_SELF, use, told, f);
    return p;
}
