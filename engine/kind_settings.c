#include "engine/kinds.h"

/* Identities are kept longer than any window; how long is the installation's setting, which the service compares. Here only what
 * could never be kept is refused. With a window of 0 even an event of this very moment would be too late. */
enum { WINDOW_S_MAX = 366 * 24 * 60 * 60 };

struct rate_limit_form {
    int64_t count;
    int limit, per; /* indexes in rate_names and per_names */
};
struct settings_form {
    int kind;
    struct str code, zone;
    bool enabled;
    int64_t late_window_s;
    struct shape_list rate_limits; /* struct rate_limit_form */
};

static const char *const per_names[] = {"second", "minute", "hour", "day", NULL};
static const int64_t per_ms[] = {MS_SECOND, MS_MINUTE, MS_HOUR, MS_DAY};
static const struct field rate_limit_fields[] = {
    {.name = "limit",
     .type = F_ENUM,
     .required = true,
     AT(rate_limit_form, limit),
     .names = rate_names,
     .doc = "`events`, `reads` and `writes` are those of each key; `self` is that of each member with a token, on each route."},
    {.name = "count", .type = F_INTEGER, .required = true, AT(rate_limit_form, count), .lo = 1, .hi = RATE_COUNT_MAX, .doc = "How many."},
    {.name = "per", .type = F_ENUM, .required = true, AT(rate_limit_form, per), .names = per_names, .doc = "In what time."},
};
static const struct shape rate_limit_shape = {
    .name = "RateLimit", .size = sizeof(struct rate_limit_form), SHAPE_FIELDS(rate_limit_fields), .doc = "How many requests in what time."};

static void settings_check(struct shape_reading *r, const void *filled, struct str pointer) {
    const struct settings_form *form = filled;
    const struct rate_limit_form *limits = form->rate_limits.items;
    for (size_t i = 0; i < form->rate_limits.n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (limits[k].limit != limits[i].limit) continue;
            struct str list = pointer_child(r->arena, pointer, STR("rate_limits"));
            (void)fault_add(r->faults, P_VALIDATION, pointer_index(r->arena, list, i), "stands in this list twice");
        }
    }
}

static const char *const kinds[] = {"settings", NULL};
static const struct field fields[] = {
    FIELD_KIND(settings_form, kinds),
    FIELD_CODE(settings_form, false),
    {.name = "enabled",
     .type = F_BOOL,
     AT(settings_form, enabled),
     .dflt = true,
     .doc = "When false, events are stored and denied with `inactive`."},
    {.name = "zone",
     .type = F_STRING,
     AT(settings_form, zone),
     .lo = 1,
     .hi = ZONE_BYTES_MAX,
     .doc = "The tenant's time zone, a name of the IANA database; default UTC."},
    {.name = "late_window_s",
     .type = F_INTEGER,
     AT(settings_form, late_window_s),
     .lo = 1,
     .hi = WINDOW_S_MAX,
     .dflt = WINDOW_MS_DEFAULT / MS_SECOND,
     .doc = "How late an event may come, in seconds; default 72 hours."},
    {.name = "rate_limits",
     .type = F_LIST,
     AT(settings_form, rate_limits),
     .lo = 0,
     .hi = RATE__MAX - 1,
     .sub = &rate_limit_shape,
     .doc = "Limits of the tenant's own. For its keys none is wider than the installation's; for members they take its place."},
};
const struct shape settings_shape = {.name = "Settings",
                                     .size = sizeof(struct settings_form),
                                     SHAPE_FIELDS(fields),
                                     .check = settings_check,
                                     .doc = "What concerns the whole tenant."};

void settings_compile(struct compiling *c, const struct drafted *d) {
    const struct settings_form *form = d->form;
    c->p->enabled = form->enabled;
    c->p->window_ms = form->late_window_s * MS_SECOND;
    for (size_t i = 0; i < form->rate_limits.n; i++) {
        const struct rate_limit_form *limit = (const struct rate_limit_form *)form->rate_limits.items + i;
        c->p->rates[limit->limit + 1] = (struct rate_limit){limit->count, per_ms[limit->per]};
    }
    if (form->zone.n == 0) return;
    const struct zone *zone = zone_find(form->zone);
    if (zone)
        c->p->zone = zone;
    else
        (void)fault_add(c->faults, P_DEFINITION, at_key(c, d->definition->pointer, "zone"), "there is no time zone \"" STR_FMT "\"",
                        STR_ARG(form->zone));
}
