#include "sql/partitions.h"

#include "base/log.h"
#include "sql/db_part.h"

enum db_result partitions_list(struct db *db, struct arena *a, struct partition_row **out, size_t *n_out) {
    struct call c = call_of(db, STMT_PARTITIONS_LIST, a, 1);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct partition_row, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        int64_t day = 0;
        struct str name = col_bytes(&c), end = col_bytes(&c);
        bool rest = str_is(name, "p_rest");
        if (!rest && !str_to_i64(end, 1, UINT32_MAX, &day)) {
            log_line(LOG_ERROR, "database", "what=\"unknown partition of outcome\" number=%zu", i);
            return DB_FATAL;
        }
        (*out)[i].before_day = (uint32_t)day;
    }
    return r;
}

enum db_result partition_add(struct db *db, uint32_t before_day) {
    return db_alter(db, CMD_PARTITION_ADD, (uint32_t[]){before_day, before_day}, 2);
}

enum db_result partition_drop(struct db *db, uint32_t before_day) { return db_alter(db, CMD_PARTITION_DROP, &before_day, 1); }
