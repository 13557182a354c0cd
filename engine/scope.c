#include "engine/kinds.h"
#include "engine/settling.h"

#include <string.h>

/* Cuts `prefix` off; false: it is not there. */
static bool cut_prefix(struct str *s, const char *prefix) {
    if (!str_starts(*s, prefix)) return false;
    size_t n = strlen(prefix);
    *s = (struct str){s->p + n, s->n - n};
    return true;
}

const struct metric *scope_metric(const struct program *p, struct str name, enum period_kind *kind) {
    if (!cut_prefix(&name, "metric.")) return NULL;
    *kind = metric_period_cut(&name);
    for (size_t i = 0; i < p->n_metrics; i++)
        if (str_eq(p->metrics[i].code, name)) return &p->metrics[i];
    return NULL;
}

enum { TIME_TEXT_WORK = 64 }; /* a time as text takes about as long as comparing so many names */

static bool lookup_event(const struct settling *w, struct str name, struct arena *a, struct json *out, size_t *work) {
    if (str_is(name, "type")) {
        *out = json_text(w->event->type);
    } else if (str_is(name, "time")) {
        *out = json_text(time_text(a, w->time_ms));
        *work += TIME_TEXT_WORK;
    } else if (str_is(name, "data")) {
        if (!w->event->data) return false;
        *out = *w->event->data;
    } else if (cut_prefix(&name, "data.")) {
        return w->event->data && expr_json_walk(w->event->data, name, out, work);
    } else {
        return false;
    }
    return true;
}

static bool lookup_member(const struct settling *w, struct str name, struct json *out, size_t *work) {
    if (str_is(name, "type")) {
        if (!w->s->type.n) return false;
        *out = json_text(w->s->type);
        return true;
    }
    if (str_is(name, "attributes") || str_is(name, "groups")) {
        const struct json *whole = str_is(name, "groups") ? w->s->groups : w->s->attributes;
        if (whole) *out = *whole;
        return whole;
    }
    if (cut_prefix(&name, "attributes.")) return w->s->attributes && expr_json_walk(w->s->attributes, name, out, work);
    if (cut_prefix(&name, "groups.")) return w->s->groups && expr_json_walk(w->s->groups, name, out, work);
    if (!cut_prefix(&name, "level.")) return false;
    *work += w->p->n_ladders;
    const struct ladder *l = program_ladder(w->p, name);
    if (!l) return false;
    *out = json_num((double)ladder_level(l, w->s));
    return true;
}

static bool lookup(void *ctx, struct str name, struct arena *a, struct json *out, size_t *work) {
    const struct settling *w = ctx;
    if (cut_prefix(&name, "event.")) return lookup_event(w, name, a, out, work);
    if (cut_prefix(&name, "member.")) return lookup_member(w, name, out, work);
    enum period_kind kind;
    *work += w->p->n_metrics;
    const struct metric *m = scope_metric(w->p, name, &kind);
    if (!m) return false;
    const struct counter *known = state_counter(w->s, COUNTER_METRIC, m->no, kind);
    int64_t start = counter_period(known, kind, zone_at(w->p, w->s, &m->zone, w->time_ms), w->time_ms, NULL);
    *out = json_num((double)counter_value(w->s, COUNTER_METRIC, m->no, kind, start) / 1000.0);
    return true;
}

bool expr_is_early(const struct expr *e) { return e && !(expr_uses(e) & ~(uint32_t)(EXPR_USES_EVENT | EXPR_USES_MEMBER_TYPE)); }

struct expr_scope scope_of(struct settling *w, struct str rule) {
    static const struct zone_ref of_member = {.of = ZONE_MEMBER};
    return (struct expr_scope){
        .ctx = w,
        .lookup = lookup,
        .random_key = w->env ? &w->env->keys->random : NULL,
        .source = w->event->source,
        .id = w->event->id,
        .rule = rule,
        .steps = &w->steps,
        .steps_max = EVENT_STEPS_MAX,
        .zone = zone_at(w->p, w->s, &of_member, w->time_ms),
    };
}
