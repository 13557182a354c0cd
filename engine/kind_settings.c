#include "engine/kinds.h"

/* Identities are kept longer than any window; how long is the installation's setting, which the service compares. Here only what
 * could never be kept is refused. With a window of 0 even an event of this very moment would be too late. */
enum { WINDOW_S_MAX = 366 * 24 * 60 * 60 };

struct settings_form {
    int kind;
    struct str code, zone;
    bool enabled;
    int64_t late_window_s;
};

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
};
const struct shape settings_shape = {
    .name = "Settings", .size = sizeof(struct settings_form), SHAPE_FIELDS(fields), .doc = "What concerns the whole tenant."};

void settings_compile(struct compiling *c, const struct drafted *d) {
    const struct settings_form *form = d->form;
    c->p->enabled = form->enabled;
    c->p->window_ms = form->late_window_s * MS_SECOND;
    if (form->zone.n == 0) return;
    const struct zone *zone = zone_find(form->zone);
    if (zone)
        c->p->zone = zone;
    else
        (void)fault_add(c->faults, P_DEFINITION, at_key(c, d->definition->pointer, "zone"), "there is no time zone \"" STR_FMT "\"",
                        STR_ARG(form->zone));
}
