/* base/numbers.h: enums of base/numbers.def, and their names both ways. The name of a number that is not in the table is NULL. */
#ifndef BASE_NUMBERS_H
#define BASE_NUMBERS_H

#include "base/str.h"

#define NUMBER_ROW(id, no, name) id = (no),
#define NUMBER_NONE(id, no, name)

#define ACCOUNT       NUMBER_ROW
#define PART          NUMBER_NONE
#define TRANSFER_KIND NUMBER_NONE
#define CHANGE        NUMBER_NONE
#define PERIOD        NUMBER_NONE
#define REASON        NUMBER_NONE
#define COUNTER       NUMBER_NONE
enum account {
#include "base/numbers.def"
    ACCOUNT__MAX
};
#undef ACCOUNT
#undef PART
#define ACCOUNT NUMBER_NONE
#define PART    NUMBER_ROW
enum part {
#include "base/numbers.def"
    PART__MAX
};
#undef PART
#undef TRANSFER_KIND
#define PART          NUMBER_NONE
#define TRANSFER_KIND NUMBER_ROW
enum transfer_kind {
#include "base/numbers.def"
    KIND__MAX
};
#undef TRANSFER_KIND
#undef CHANGE
#define TRANSFER_KIND NUMBER_NONE
#define CHANGE        NUMBER_ROW
enum change_kind {
#include "base/numbers.def"
    CHANGE__MAX
};
#undef CHANGE
#undef PERIOD
#define CHANGE NUMBER_NONE
#define PERIOD NUMBER_ROW
enum period_kind {
#include "base/numbers.def"
    PERIOD__MAX
};
#undef PERIOD
#undef REASON
#define PERIOD NUMBER_NONE
#define REASON NUMBER_ROW
enum reason {
#include "base/numbers.def"
    REASON__MAX
};
#undef REASON
#undef COUNTER
#define REASON  NUMBER_NONE
#define COUNTER NUMBER_ROW
enum counter_kind {
#include "base/numbers.def"
    COUNTER__MAX
};
#undef ACCOUNT
#undef PART
#undef TRANSFER_KIND
#undef CHANGE
#undef PERIOD
#undef REASON
#undef COUNTER
#undef NUMBER_ROW
#undef NUMBER_NONE

const char *account_name(enum account a);
const char *transfer_kind_name(enum transfer_kind k);
const char *change_kind_name(enum change_kind k);
const char *period_name(enum period_kind k);
const char *reason_name(enum reason r);
const char *counter_kind_name(enum counter_kind c);
MUST_CHECK bool transfer_kind_of(struct str name, enum transfer_kind *out);
MUST_CHECK bool period_of(struct str name, enum period_kind *out);

#endif
