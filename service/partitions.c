/* service/partitions.c: partitions of outcomes ahead of time (MECHANICS 1, "Retention"). */
#include "sql/partitions.h"
#include "service/inside.h"
#include "service/upkeep.h"

enum {
    PARTITIONS_AHEAD = 2,
    /* 400 partitions double what an insert costs, 14 to 60 are nearly free (MECHANICS 1): 60 less those ahead, the present one and the last
     */
    PARTITIONS_KEPT_MAX = 56,
};

/* The setting, unless what is kept would take too many of them. */
static uint32_t days_per_partition(const struct settings *settings) {
    int64_t least = (settings->outcome_days + PARTITIONS_KEPT_MAX - 1) / PARTITIONS_KEPT_MAX;
    return (uint32_t)(settings->partition_days > least ? settings->partition_days : least);
}

/* Where the next one has to end; 0: there are enough. Ends are multiples of the size, whoever makes them first. */
static uint32_t next_end(const struct partition_row *rows, size_t n, uint32_t today, uint32_t days) {
    uint32_t highest = 0, ahead = 0, of_today = (today / days + 1) * days;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].before_day > highest) highest = rows[i].before_day;
        if (rows[i].before_day > today) ahead++; /* the first of these is today's */
    }
    if (ahead > PARTITIONS_AHEAD) return 0;
    return highest > today ? highest + days : of_today;
}

enum problem partitions_step(struct service *s, struct arena *a, int64_t now_ms, struct upkeep_step *out, struct faults *f) {
    struct partition_row *rows;
    size_t n;
    *out = (struct upkeep_step){0};
    enum db_result r = partitions_list(s->db, a, &rows, &n);
    if (r != DB_OK) return service_problem(r, f);
    uint32_t end = next_end(rows, n, (uint32_t)(now_ms / MS_DAY), days_per_partition(&s->settings));
    if (end == 0) return P_OK;
    r = partition_add(s->db, end);
    if (r != DB_OK && r != DB_CONFLICT) return service_problem(r, f); /* a conflict: somebody was quicker */
    *out = (struct upkeep_step){.done = r == DB_OK, .more = true};
    return P_OK;
}
