/* service/verify/codes.c: the numbers of codes (DESIGN 4): given one after the other, never twice and never taken back, since state rows,
 * entries and outcomes hold them for ever. So of each kind they are 1 … n, and no row holds a number above n.
 *
 * They are read after the tenant's members: whoever used a number had it before. */
#include "engine/config.h"
#include "service/verify/verifying.h"

static const char *kind_text(enum code_kind kind) {
    static const char *const names[CODE__MAX] = {[CODE_CURRENCY] = "currency",   [CODE_METRIC] = "metric", [CODE_RULE] = "rule",
                                                 [CODE_LADDER] = "level_ladder", [CODE_TYPE] = "type",     [CODE_ZONE] = "zone"};
    return kind > 0 && kind < CODE__MAX ? names[kind] : "unknown";
}

void note_number(struct tenant_view *t, enum code_kind kind, uint16_t no) {
    if (no > t->highest[kind]) t->highest[kind] = no;
}

/* They come by kind and number. */
static void check_gaps(struct verifying *v, const struct tenant_view *t) {
    unsigned count[CODE__MAX] = {0};
    for (size_t i = 0; i < t->n_codes; i++) {
        const struct code_number *code = &t->codes[i];
        struct str where = str_printf(t->a, "code_number %s " STR_FMT, kind_text(code->kind), STR_ARG(code->code));
        if (code->kind <= 0 || code->kind >= CODE__MAX) {
            violation(v, 10, t->row->code, where, "there is no such kind as %d", (int)code->kind);
            continue;
        }
        if (code->no != count[code->kind] + 1) {
            violation(v, 10, t->row->code, where, "has the number %u, the one before has %u: numbers are given one after the other",
                      code->no, count[code->kind]);
        }
        count[code->kind] = code->no;
    }
    for (int kind = 1; kind < CODE__MAX; kind++) {
        if (t->highest[kind] <= count[kind]) continue;
        violation(v, 10, t->row->code, str_printf(t->a, "code_number %s", kind_text((enum code_kind)kind)),
                  "ends at %u, but a row of a member holds %u", count[kind], t->highest[kind]);
    }
}

struct present { /* the configuration in force: it could not be compiled without numbers */
    uint64_t version;
    struct code_number *wanted;
    size_t n;
};

static enum db_result read_present(struct verifying *v, const struct tenant_view *t, struct present *out) {
    struct definition *definitions;
    struct tenant_row row;
    struct faults faults = faults_new(t->a);
    size_t n;
    enum db_result r = tenant_by_id(v->db, t->a, t->row->id, &row);
    if (r != DB_OK || row.config_version == 0) return r;
    enum problem p = definitions_load(v->s, t->a, row.id, row.config_version, &definitions, &n, &faults);
    if (p != P_OK) return p == P_CONFIG_UNUSABLE ? DB_OK : DB_GONE;
    out->version = row.config_version;
    config_codes(t->a, definitions, n, &out->wanted, &out->n);
    return DB_OK;
}

static void check_present(struct verifying *v, const struct tenant_view *t, const struct present *p) {
    for (size_t i = 0; i < p->n; i++) {
        const struct code_number *wanted = &p->wanted[i];
        if (code_has_number(wanted, t->codes, t->n_codes)) continue;
        violation(v, 10, t->row->code, str_printf(t->a, "code_number %s " STR_FMT, kind_text(wanted->kind), STR_ARG(wanted->code)),
                  "is missing: version %llu of the configuration cannot be used", (unsigned long long)p->version);
    }
}

enum db_result verify_codes(struct verifying *v, struct tenant_view *t) {
    struct present present = {0};
    enum db_result r = read_present(v, t, &present);
    if (r == DB_OK) r = codes_read(v->db, t->a, t->row->id, &t->codes, &t->n_codes);
    if (r != DB_OK) return r;
    check_gaps(v, t);
    check_present(v, t, &present);
    return DB_OK;
}
