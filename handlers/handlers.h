/* handlers/handlers.h: the functions that the rows of handlers/routes.c name. Each turns a request that has passed its row into one
 * call of service/, and what that gives into an answer. */
#ifndef HANDLERS_HANDLERS_H
#define HANDLERS_HANDLERS_H

#include "http/route.h"

extern const struct shape adjustment_shape, rollback_shape, tenant_shape, key_shape, rotation_shape;
extern const char *const transactions_params[];

/* events.c */
enum problem events_collect(struct request *r, struct work *w);
void events_answer(struct work *w, struct response *out);
void event_get(struct service *s, struct request *r, struct response *out);
/* members.c */
void points_get(struct service *s, struct request *r, struct response *out);
void levels_get(struct service *s, struct request *r, struct response *out);
void transactions_list(struct service *s, struct request *r, struct response *out);
/* people.c, why.c, simulate.c */
extern const struct shape member_new_shape, member_whole_shape, member_patch_shape, simulation_shape;
extern const char *const members_params[], *const why_params[];
void members_list(struct service *s, struct request *r, struct response *out);
void member_post(struct service *s, struct request *r, struct response *out);
void member_show_get(struct service *s, struct request *r, struct response *out);
void member_put_whole(struct service *s, struct request *r, struct response *out);
void member_patch(struct service *s, struct request *r, struct response *out);
void member_delete(struct service *s, struct request *r, struct response *out);
void member_suspend_post(struct service *s, struct request *r, struct response *out);
void member_restore_post(struct service *s, struct request *r, struct response *out);
void profile_get(struct service *s, struct request *r, struct response *out);
void member_events_list(struct service *s, struct request *r, struct response *out);
void group_members_list(struct service *s, struct request *r, struct response *out);
void why_get(struct service *s, struct request *r, struct response *out);
void event_simulate_post(struct service *s, struct request *r, struct response *out);
/* adjustments.c */
void adjustment_create(struct service *s, struct request *r, struct response *out);
/* config.c */
void config_show(struct service *s, struct request *r, struct response *out);
void config_kind_list(struct service *s, struct request *r, struct response *out);
void config_definition_show(struct service *s, struct request *r, struct response *out);
void config_definition_history(struct service *s, struct request *r, struct response *out);
void config_versions_list(struct service *s, struct request *r, struct response *out);
void config_version_show(struct service *s, struct request *r, struct response *out);
void config_apply_all(struct service *s, struct request *r, struct response *out);
void config_plan_all(struct service *s, struct request *r, struct response *out);
void config_roll_back(struct service *s, struct request *r, struct response *out);
void config_definition_put(struct service *s, struct request *r, struct response *out);
void config_definition_delete(struct service *s, struct request *r, struct response *out);
/* operator.c */
void tenant_post(struct service *s, struct request *r, struct response *out);
void tenants_list(struct service *s, struct request *r, struct response *out);
void tenant_show(struct service *s, struct request *r, struct response *out);
void tenant_suspend_post(struct service *s, struct request *r, struct response *out);
void tenant_restore_post(struct service *s, struct request *r, struct response *out);
void key_post(struct service *s, struct request *r, struct response *out);
void keys_list(struct service *s, struct request *r, struct response *out);
void key_rotate_post(struct service *s, struct request *r, struct response *out);
void key_delete(struct service *s, struct request *r, struct response *out);
void audit_list(struct service *s, struct request *r, struct response *out);
/* token_keys.c */
extern const struct shape token_key_shape;
void token_keys_list(struct service *s, struct request *r, struct response *out);
void token_key_post(struct service *s, struct request *r, struct response *out);
void token_key_delete(struct service *s, struct request *r, struct response *out);
/* process.c */
void health_get(struct service *s, struct request *r, struct response *out);
void readiness_get(struct service *s, struct request *r, struct response *out);
void metrics_get(struct service *s, struct request *r, struct response *out);

#endif
