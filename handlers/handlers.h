/* handlers/handlers.h: the functions that the rows of handlers/routes.c name. Each turns a request that has passed its row into one
 * call of service/, and what that gives into an answer. */
#ifndef HANDLERS_HANDLERS_H
#define HANDLERS_HANDLERS_H

#include "http/route.h"

extern const struct shape adjustment_shape;
extern const char *const transactions_params[];

/* events.c */
enum problem events_collect(struct request *r, struct work *w);
void events_answer(struct work *w, struct response *out);
void event_get(struct service *s, struct request *r, struct response *out);
/* members.c */
void points_get(struct service *s, struct request *r, struct response *out);
void levels_get(struct service *s, struct request *r, struct response *out);
void transactions_list(struct service *s, struct request *r, struct response *out);
/* adjustments.c */
void adjustment_create(struct service *s, struct request *r, struct response *out);
/* process.c */
void health_get(struct service *s, struct request *r, struct response *out);
void readiness_get(struct service *s, struct request *r, struct response *out);

#endif
