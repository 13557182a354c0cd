#include "base/numbers.h"

/* One switch per enum, each from the same table: a row of another kind expands to nothing. */
#define NAME_ROW(id, no, name)                                                                                                             \
    case id:                                                                                                                               \
        return name;
#define NAME_NONE(id, no, name)

#define ACCOUNT       NAME_ROW
#define PART          NAME_NONE
#define TRANSFER_KIND NAME_NONE
#define CHANGE        NAME_NONE
#define PERIOD        NAME_NONE
#define REASON        NAME_NONE
#define COUNTER       NAME_NONE

const char *account_name(enum account a) {
    switch ((int)a) {
#include "base/numbers.def"
    }
    return NULL;
}

#undef ACCOUNT
#undef TRANSFER_KIND
#define ACCOUNT       NAME_NONE
#define TRANSFER_KIND NAME_ROW

const char *transfer_kind_name(enum transfer_kind k) {
    switch ((int)k) {
#include "base/numbers.def"
    }
    return NULL;
}

#undef TRANSFER_KIND
#undef CHANGE
#define TRANSFER_KIND NAME_NONE
#define CHANGE        NAME_ROW

const char *change_kind_name(enum change_kind k) {
    switch ((int)k) {
#include "base/numbers.def"
    }
    return NULL;
}

#undef CHANGE
#undef PERIOD
#define CHANGE NAME_NONE
#define PERIOD NAME_ROW

const char *period_name(enum period_kind k) {
    switch ((int)k) {
#include "base/numbers.def"
    }
    return NULL;
}

#undef PERIOD
#undef REASON
#define PERIOD NAME_NONE
#define REASON NAME_ROW

const char *reason_name(enum reason r) {
    switch ((int)r) {
#include "base/numbers.def"
    }
    return NULL;
}

#undef REASON
#undef COUNTER
#define REASON  NAME_NONE
#define COUNTER NAME_ROW

const char *counter_kind_name(enum counter_kind c) {
    switch ((int)c) {
#include "base/numbers.def"
    }
    return NULL;
}

bool transfer_kind_of(struct str name, enum transfer_kind *out) {
    for (int k = 0; k < KIND__MAX; k++) {
        const char *known = transfer_kind_name((enum transfer_kind)k);
        if (!known || !str_is(name, known)) continue;
        *out = (enum transfer_kind)k;
        return true;
    }
    return false;
}

bool period_of(struct str name, enum period_kind *out) {
    for (int k = 0; k < PERIOD__MAX; k++) {
        const char *known = period_name((enum period_kind)k);
        if (!known || !str_is(name, known)) continue;
        *out = (enum period_kind)k;
        return true;
    }
    return false;
}
