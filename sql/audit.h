/* sql/audit.h: the log of administrative changes (M9): who changed what when; written in the change's own transaction. */
#ifndef SQL_AUDIT_H
#define SQL_AUDIT_H

#include "sql/db.h"

struct audit_row {
    tenant_id tenant; /* 0: the operator's */
    struct uuid id;   /* version 7: by time */
    int64_t at_ms;
    struct str actor;  /* key id, or "command" */
    struct str action; /* "config.apply" */
    struct str target; /* "rule/call-completed", "" none */
    struct str detail; /* JSON text, "" none */
};
enum db_result audit_insert(struct db *db, struct arena *a, const struct audit_row *row);
/* Newest first; before: the id after which the page begins, all 0xff for the newest. */
enum db_result audit_page(struct db *db, struct arena *a, tenant_id t, struct uuid before, size_t limit, struct audit_row **out,
                          size_t *n_out);

#endif
