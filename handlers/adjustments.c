/* handlers/adjustments.c: POST /v1/members/{member}/adjustments (B6). */
#include "base/limits.h"
#include "handlers/answering.h"
#include "handlers/handlers.h"
#include "service/members.h"

enum { ACTOR_BYTES_MAX = 128 };

static void check_amount(struct shape_reading *r, const void *filled, struct str pointer) {
    const struct adjustment_in *in = filled;
    if (in->amount == 0) fault_add(r->faults, P_VALIDATION, pointer_child(r->arena, pointer, STR("amount")), "must not be 0");
}

static const struct field adjustment_fields[] = {
    {.name = "currency",
     .type = F_CODE,
     .required = true,
     .offset = offsetof(struct adjustment_in, currency),
     .present = NOT_TRACKED,
     .doc = "The currency that is added or taken."},
    {.name = "amount",
     .type = F_INTEGER,
     .required = true,
     .offset = offsetof(struct adjustment_in, amount),
     .present = NOT_TRACKED,
     .lo = -AMOUNT_MAX,
     .hi = AMOUNT_MAX,
     .doc = "What is added; below 0 it is taken. Never 0."},
    {.name = "reason",
     .type = F_STRING,
     .required = true,
     .offset = offsetof(struct adjustment_in, reason),
     .present = NOT_TRACKED,
     .lo = 1,
     .hi = NAME_BYTES_MAX,
     .doc = "Why, for people; shown as the description of the transaction."},
    {.name = "actor",
     .type = F_STRING,
     .offset = offsetof(struct adjustment_in, actor),
     .present = NOT_TRACKED,
     .lo = 1,
     .hi = ACTOR_BYTES_MAX,
     .doc = "Who decided it."},
};
const struct shape adjustment_shape = {
    .name = "Adjustment",
    .size = sizeof(struct adjustment_in),
    .fields = adjustment_fields,
    .n_fields = COUNT(adjustment_fields),
    .doc = "A manual award, deduction or correction.",
    .check = check_amount,
};

void adjustment_create(struct service *s, struct request *r, struct response *out) {
    struct write_key key = request_write_key(s, r);
    struct write_answer answer;
    enum problem p = member_adjust(s, r->arena, &r->who.tenant, r->params[0], r->shaped, &key, r->now_ms, &answer, &r->faults);
    answer_write(r, p, &answer, out);
}
