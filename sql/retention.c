#include "sql/retention.h"

#include "sql/statements.h"

#define IDENTITIES_MS  STR("identities_ms")
#define IDENTITIES_DAY STR("identities_day")
#define OUTCOMES_DAY   STR("outcomes_day")

enum db_result kept_read(struct db *db, struct arena *a, struct kept *out) {
    *out = (struct kept){0};
    struct call c = call_of(db, STMT_INSTALLATION_READ, a, 1);
    enum db_result r = call_run(&c);
    while (!r && call_next(&c)) {
        struct str name = col_bytes(&c);
        int64_t value = col_i64(&c);
        if (str_eq(name, IDENTITIES_MS)) out->identities_ms = value;
        if (str_eq(name, IDENTITIES_DAY)) out->identities_day = (uint32_t)value;
        if (str_eq(name, OUTCOMES_DAY)) out->outcomes_day = (uint32_t)value;
    }
    return r;
}

static enum db_result put(struct db *db, int statement, struct arena *a, struct str name, int64_t value) {
    struct call c = call_of(db, statement, a, 1);
    call_bytes(&c, name);
    call_i64(&c, value);
    return call_run(&c);
}

enum db_result kept_raise_identities_day(struct db *db, struct arena *a, uint32_t day) {
    return put(db, STMT_INSTALLATION_RAISE, a, IDENTITIES_DAY, day);
}

enum db_result kept_raise_outcomes_day(struct db *db, struct arena *a, uint32_t day) {
    return put(db, STMT_INSTALLATION_RAISE, a, OUTCOMES_DAY, day);
}

enum db_result kept_write_identities_ms(struct db *db, struct arena *a, int64_t ms) {
    return put(db, STMT_INSTALLATION_WRITE, a, IDENTITIES_MS, ms);
}

/* Raising to 0 changes nothing but makes and locks the row, as states_lock does with a member's. */
enum db_result kept_lock(struct db *db, struct arena *a, struct kept *out) {
    MUST(db_in_transaction(db));
    enum db_result r = put(db, STMT_INSTALLATION_RAISE, a, IDENTITIES_MS, 0);
    return r ? r : kept_read(db, a, out);
}

enum db_result watermarks_raise(struct db *db, struct arena *a, int64_t watermark_ms) {
    struct call c = call_of(db, STMT_WATERMARKS_RAISE, a, 1);
    call_i64(&c, watermark_ms);
    call_i64(&c, watermark_ms);
    return call_run(&c);
}

enum db_result follower_names(struct db *db, struct arena *a, struct str **out, size_t *n_out) {
    struct call c = call_of(db, STMT_FOLLOWER_NAMES, a, 1);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct str, *n_out);
    for (size_t i = 0; call_next(&c); i++) (*out)[i] = col_bytes(&c);
    return r;
}
