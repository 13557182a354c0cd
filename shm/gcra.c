#include "shm/gcra.h"

#include "base/must.h"

#define NS_PER_MS INT64_C(1000000)

struct gcra gcra_of(int64_t count, int64_t period_ms) {
    MUST(count >= 1 && count <= GCRA_COUNT_MAX && period_ms >= 1 && period_ms <= GCRA_PERIOD_MS_MAX);
    int64_t interval_ns = period_ms * NS_PER_MS / count;
    return (struct gcra){count, interval_ns > 0 ? interval_ns : 1};
}

struct gcra_answer gcra_ask(struct gcra limit, int64_t moment, int64_t now_ns, int64_t cost) {
    MUST(cost >= 1 && cost <= GCRA_COST_MAX);
    int64_t whole = gcra_whole_ns(limit), owed = moment > now_ns ? moment - now_ns : 0;
    if (owed > 2 * whole + limit.interval_ns * GCRA_COST_MAX) owed = 0; /* twice: by gcra_hear */
    int64_t needed = limit.interval_ns * (cost < limit.count ? cost : limit.count);
    bool passes = owed + needed <= whole;
    int64_t after = passes ? owed + limit.interval_ns * cost : owed;
    return (struct gcra_answer){
        .passes = passes,
        .moment = passes ? now_ns + after : moment,
        .remaining = after < whole ? (whole - after) / limit.interval_ns : 0,
        .full_ns = after,
        .wait_ns = passes ? 0 : owed + needed - whole,
    };
}

int64_t gcra_hear(int64_t moment, int64_t now_ns, int64_t used_ns, int64_t whole_ns) {
    MUST(used_ns >= 1 && whole_ns >= 1 && whole_ns <= GCRA_PERIOD_MS_MAX * NS_PER_MS);
    int64_t then = now_ns - GCRA_LAG_NS, latest = now_ns + 2 * whole_ns;
    int64_t heard = (moment > then ? moment : then) + (used_ns < 2 * whole_ns ? used_ns : 2 * whole_ns);
    if (heard > latest) heard = latest;
    return heard > moment ? heard : moment;
}
