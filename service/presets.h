/* service/presets.h: the presets of the installation: folders of setting presets_dir, each with a config.json. */
#ifndef SERVICE_PRESETS_H
#define SERVICE_PRESETS_H

#include "base/json.h"
#include "service/service.h"

/* P_VALIDATION with a pointer to /preset where there is none of that name; P_MALFORMED_JSON where its file is damaged. */
MUST_CHECK enum problem preset_load(struct service *s, struct arena *a, struct str name, struct json *out, struct faults *f);

#endif
