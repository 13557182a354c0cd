/* Format 1 of the answer. What is written here for an outcome of format 1 never changes (SEMANTICS 3: a repeat gets the first answer
 * byte for byte): another rendering comes with another format number and a renderer of its own. */
#include "engine/outcome.h"

#include "base/crypto/encodings.h"

static void put_code(struct json_writer *w, const char *key, const struct program *p, enum code_kind kind, uint16_t no) {
    json_key(w, key);
    json_put_str(w, program_code(p, kind, no));
}

/* 25, 2.5, -0.000001: exact, as the digits stand. */
static void put_decimal(struct json_writer *w, struct arena *a, struct decimal d) {
    uint64_t digits = d.digits < 0 ? -(uint64_t)d.digits : (uint64_t)d.digits, unit = 1;
    for (uint8_t i = 0; i < d.places; i++) unit *= 10;
    int places = d.places;
    uint64_t fraction = digits % unit;
    while (places && fraction % 10 == 0) {
        fraction /= 10;
        places--;
    }
    struct str text = str_printf(a, "%s%llu", d.digits < 0 ? "-" : "", (unsigned long long)(digits / unit));
    if (places) text = str_printf(a, STR_FMT ".%0*llu", STR_ARG(text), places, (unsigned long long)fraction);
    json_put_raw(w, text);
}

static void put_cap(struct json_writer *w, const struct cap_figures *cap) {
    json_key(w, "cap");
    json_open_object(w);
    json_key(w, "amount");
    json_put_i64(w, cap->amount);
    json_key(w, "used");
    json_put_i64(w, cap->used);
    json_key(w, "resets_at");
    json_put_time(w, cap->resets_at);
    json_close_object(w);
}

/* The level of a ladder by its number; NULL where the ladder has no such level. */
static const struct level *level_of(const struct ladder *l, int64_t number) {
    if (number < l->first_level || number - l->first_level >= l->n_levels) return NULL;
    return &l->levels[number - l->first_level];
}

/* What the definition says of this grant; NULL where the program does not know it. */
static const struct grant *definition_of(const struct grant_result *g, const struct program *p) {
    if (g->cause == CAUSE_RULE) {
        const struct rule *rule = program_rule_no(p, g->cause_no);
        return rule && g->grant < rule->n_grants ? &rule->grants[g->grant] : NULL;
    }
    const struct ladder *ladder = program_ladder_no(p, g->cause_no);
    if (!ladder) return NULL;
    if (g->grant < ladder->n_grant_each) return &ladder->grant_each[g->grant];
    const struct level *level = level_of(ladder, g->level);
    size_t own = (size_t)g->grant - ladder->n_grant_each;
    return level && own < level->n_grants ? &level->grants[own] : NULL;
}

static void put_steps(struct json_writer *w, struct arena *a, const struct grant_result *g, const struct grant *definition) {
    json_key(w, "steps");
    json_open_array(w);
    for (uint8_t i = 0; i < definition->n_factors && i < FACTORS_MAX; i++) {
        const struct factor *factor = &definition->factors[i];
        if (!(g->factors & 1 << i)) continue;
        json_open_object(w);
        if (factor->why.n) {
            json_key(w, "why");
            json_put_str(w, factor->why);
        }
        if (factor->has_multiply) {
            json_key(w, "multiply");
            put_decimal(w, a, factor->multiply);
        }
        if (factor->has_add) {
            json_key(w, "add");
            put_decimal(w, a, factor->add);
        }
        json_close_object(w);
    }
    json_close_array(w);
}

/* What is only simulated moves nothing: its transfers have no ids. */
enum rendering { RENDER_FIRST, RENDER_REPEAT, RENDER_SIMULATED };

static void put_grant(struct json_writer *w, struct arena *a, const struct grant_result *g, const struct program *p, enum rendering how) {
    const struct grant *definition = definition_of(g, p);
    json_open_object(w);
    if (g->cause == CAUSE_LADDER) {
        put_code(w, "ladder", p, CODE_LADDER, g->cause_no);
        json_key(w, "level");
        json_put_i64(w, g->level);
    } else {
        put_code(w, "rule", p, CODE_RULE, g->cause_no);
    }
    put_code(w, "currency", p, CODE_CURRENCY, g->currency);
    json_key(w, "base");
    put_decimal(w, a, g->base);
    json_key(w, "amount");
    json_put_i64(w, g->amount);
    json_key(w, "balance");
    json_put_i64(w, g->balance_after);
    if (definition) put_steps(w, a, g, definition);
    if (g->capped) {
        json_key(w, "uncapped");
        json_put_i64(w, g->uncapped);
        json_key(w, "reason");
        json_put_z(w, reason_name(REASON_CAPPED));
        put_cap(w, &g->cap);
    }
    json_key(w, "transfer");
    if (how == RENDER_SIMULATED) {
        json_put_null(w);
    } else {
        json_put_str(w, uuid_text(a, g->transfer));
    }
    json_close_object(w);
}

/* All transfers but the adjusted one itself. */
static void put_grants(struct json_writer *w, struct arena *a, const struct outcome *o, const struct program *p, enum rendering how) {
    json_key(w, "grants");
    json_open_array(w);
    for (size_t i = 0; i < o->grants.n; i++)
        if (o->grants.items[i].cause != CAUSE_ADJUSTMENT) put_grant(w, a, &o->grants.items[i], p, how);
    json_close_array(w);
}

/* Where in a rule's definition a place lies, as a dotted path. */
static struct str place_path(struct arena *a, const struct place *place, const struct rule *rule, int64_t event_time) {
    unsigned index = place->index, factor = place->factor;
    switch (place->in) {
    case PLACE_NONE: return STR("");
    case PLACE_ENABLED: return STR("enabled");
    case PLACE_DATES: return event_time < rule->starts_at ? STR("starts_at") : STR("ends_at");
    case PLACE_LIMIT: return str_printf(a, "limits.%u", index);
    case PLACE_AUDIENCE_TYPES: return STR("audience.types");
    case PLACE_AUDIENCE_WHEN: return STR("audience.when");
    case PLACE_WHEN: return STR("when");
    case PLACE_AMOUNT: return str_printf(a, "grant.%u.amount", index);
    case PLACE_FACTOR: return str_printf(a, "grant.%u.factors.%u.when", index, factor);
    case PLACE_COUNT: return str_printf(a, "count.%u.by", index);
    }
    NEVER("outcome_decode takes no other place");
}

static bool has_expression(enum place_in in) {
    return in == PLACE_WHEN || in == PLACE_AUDIENCE_WHEN || in == PLACE_AMOUNT || in == PLACE_FACTOR || in == PLACE_COUNT;
}

/* The part of an expression is found in the definition's source. */
struct str rule_part_pointer(struct arena *a, const struct place *place, const struct rule *rule, int64_t event_time) {
    struct str path = place_path(a, place, rule, event_time), rest = path, pointer = STR("");
    while (rest.n) pointer = pointer_child(a, pointer, str_cut(&rest, '.'));
    struct json source;
    if (!has_expression(place->in) || !rule->source || !expr_json_at(rule->source, path, &source)) return pointer;
    return expr_place_pointer(a, &source, pointer, place->node);
}

static void put_denial(struct json_writer *w, struct arena *a, const struct denial *d, const struct outcome *o, const struct program *p) {
    json_open_object(w);
    if (d->rule) put_code(w, "rule", p, CODE_RULE, d->rule);
    json_key(w, "reason");
    json_put_z(w, reason_name(d->reason));
    if (d->currency) put_code(w, "currency", p, CODE_CURRENCY, d->currency);
    if (d->next_at > 0) {
        json_key(w, "next_at");
        json_put_time(w, d->next_at);
    }
    const struct rule *rule = program_rule_no(p, d->rule);
    if (rule && d->place.in != PLACE_NONE) {
        json_key(w, "part");
        json_put_str(w, rule_part_pointer(a, &d->place, rule, o->event_time));
    }
    if (d->reason == REASON_CAPPED) put_cap(w, &d->cap);
    json_close_object(w);
}

static void put_counter(struct json_writer *w, const struct counted *c, const struct program *p) {
    json_open_object(w);
    put_code(w, "metric", p, CODE_METRIC, c->metric);
    json_key(w, "by");
    json_put_thousandths(w, c->by);
    json_key(w, "value");
    json_put_thousandths(w, c->value);
    json_close_object(w);
}

/* Name of the level reached, if it has one, privileges of all levels crossed, lowest first. */
static void put_level(struct json_writer *w, const struct level_change *l, const struct program *p) {
    const struct ladder *ladder = program_ladder_no(p, l->ladder);
    const struct level *reached = ladder ? level_of(ladder, l->to) : NULL;
    json_open_object(w);
    put_code(w, "ladder", p, CODE_LADDER, l->ladder);
    json_key(w, "from");
    json_put_i64(w, l->from);
    json_key(w, "to");
    json_put_i64(w, l->to);
    if (reached) {
        json_key(w, "name");
        json_put_text(w, reached->name);
        json_key(w, "privileges");
        json_open_array(w);
        for (const struct level *level = level_of(ladder, l->from); level && level < reached;) {
            level++;
            for (uint8_t i = 0; i < level->n_privileges; i++) json_put_str(w, level->privileges[i]);
        }
        json_close_array(w);
    }
    json_close_object(w);
}

static void put_levels(struct json_writer *w, const struct outcome *o, const struct program *p) {
    json_key(w, "levels");
    json_open_array(w);
    for (size_t i = 0; i < o->levels.n; i++) put_level(w, &o->levels.items[i], p);
    json_close_array(w);
}

static void put_empty(struct json_writer *w, const char *key) {
    json_key(w, key);
    json_open_array(w);
    json_close_array(w);
}

static void render(struct json_writer *w, struct arena *a, const struct outcome *o, const struct program *p, struct str member,
                   struct str source, struct str id, enum rendering how) {
    MUST(o->format == OUTCOME_FORMAT && o->change == CHANGE_EVENT && o->config_version == p->version);
    json_open_object(w);
    json_key(w, "source");
    json_put_str(w, source);
    json_key(w, "id");
    json_put_str(w, id);
    json_key(w, "status");
    json_put_z(w, "processed");
    if (how != RENDER_FIRST) {
        json_key(w, how == RENDER_REPEAT ? "replayed" : "simulated");
        json_put_bool(w, true);
    }
    json_key(w, "member");
    json_put_str(w, member);
    json_key(w, "config_version");
    json_put_i64(w, (int64_t)o->config_version);
    put_grants(w, a, o, p, how);
    json_key(w, "denied");
    json_open_array(w);
    for (size_t i = 0; i < o->denied.n; i++) put_denial(w, a, &o->denied.items[i], o, p);
    json_close_array(w);
    json_key(w, "counters");
    json_open_array(w);
    for (size_t i = 0; i < o->counters.n; i++) put_counter(w, &o->counters.items[i], p);
    json_close_array(w);
    put_levels(w, o, p);
    put_empty(w, "streaks");
    put_empty(w, "goals");
    put_empty(w, "badges");
    put_empty(w, "pending");
    json_close_object(w);
}

void outcome_render(struct json_writer *w, struct arena *a, const struct outcome *o, const struct program *p, struct str member,
                    struct str source, struct str id, bool replayed) {
    render(w, a, o, p, member, source, id, replayed ? RENDER_REPEAT : RENDER_FIRST);
}

void outcome_render_simulated(struct json_writer *w, struct arena *a, const struct outcome *o, const struct program *p, struct str member,
                              struct str source, struct str id) {
    render(w, a, o, p, member, source, id, RENDER_SIMULATED);
}

static void put_actor(struct json_writer *w, struct str actor) {
    json_key(w, "actor");
    json_put_text(w, actor);
}

static const struct grant_result *adjusted(const struct outcome *o) {
    for (size_t i = 0; i < o->grants.n; i++)
        if (o->grants.items[i].cause == CAUSE_ADJUSTMENT) return &o->grants.items[i];
    NEVER("an adjustment without its transfer is neither encoded nor decoded");
}

void adjustment_render(struct json_writer *w, struct arena *a, const struct outcome *o, const struct program *p, struct str member,
                       struct str reason, struct str actor) {
    MUST(o->format == OUTCOME_FORMAT && o->change == CHANGE_ADJUSTMENT && o->config_version == p->version);
    const struct grant_result *g = adjusted(o);
    json_open_object(w);
    json_key(w, "id");
    json_put_str(w, uuid_text(a, g->transfer));
    json_key(w, "member");
    json_put_str(w, member);
    put_code(w, "currency", p, CODE_CURRENCY, g->currency);
    json_key(w, "amount");
    json_put_i64(w, g->amount);
    json_key(w, "kind");
    json_put_z(w, transfer_kind_name(g->kind));
    json_key(w, "balance_before");
    json_put_i64(w, g->balance_after - g->amount);
    json_key(w, "balance_after");
    json_put_i64(w, g->balance_after);
    json_key(w, "reason");
    json_put_str(w, reason);
    put_actor(w, actor);
    json_key(w, "created_at");
    json_put_time(w, o->settled_at);
    json_key(w, "transaction");
    json_put_str(w, transaction_id_text(a, g->currency, g->part, g->seq));
    put_levels(w, o, p);
    put_grants(w, a, o, p, RENDER_FIRST);
    json_close_object(w);
}

void transaction_source_render(struct json_writer *w, struct arena *a, const struct grant_result *g, const struct outcome *o,
                               const struct sealed *s, const struct program *p) {
    (void)a;
    json_open_object(w);
    if (g->cause == CAUSE_RULE) put_code(w, "rule", p, CODE_RULE, g->cause_no);
    if (g->cause == CAUSE_LADDER) {
        put_code(w, "ladder", p, CODE_LADDER, g->cause_no);
        json_key(w, "level");
        json_put_i64(w, g->level);
    }
    if (o->change == CHANGE_ADJUSTMENT) {
        json_key(w, "adjustment");
        json_put_bool(w, true);
        put_actor(w, s->actor);
    } else {
        json_key(w, "event");
        json_open_object(w);
        json_key(w, "source");
        json_put_str(w, s->source);
        json_key(w, "id");
        json_put_str(w, s->id);
        json_key(w, "type");
        json_put_str(w, s->type);
        json_close_object(w);
    }
    json_close_object(w);
}

struct str transaction_description(struct arena *a, const struct grant_result *g, const struct outcome *o, const struct sealed *s,
                                   const struct program *p) {
    (void)o;
    const struct json *sent = s->context ? json_get(s->context, "description") : NULL;
    if (sent && sent->type == JSON_STRING && sent->string.n) return sent->string;
    switch (g->cause) {
    case CAUSE_ADJUSTMENT: return s->reason;
    case CAUSE_LADDER: {
        const struct ladder *ladder = program_ladder_no(p, g->cause_no);
        const struct level *level = ladder ? level_of(ladder, g->level) : NULL;
        if (!level || !level->name.n) return str_printf(a, "Level %lld", (long long)g->level);
        return str_printf(a, "Level %lld: " STR_FMT, (long long)g->level, STR_ARG(level->name));
    }
    case CAUSE_RULE: break;
    }
    const struct rule *rule = program_rule_no(p, g->cause_no);
    return rule && rule->name.n ? rule->name : program_code(p, CODE_RULE, g->cause_no);
}
