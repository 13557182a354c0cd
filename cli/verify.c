/* cli/verify.c: proves the ledger and prints what was read and everything that is wrong. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "service/verify/verify.h"

enum { TELL_EVERY_US = 200000 };

struct telling {
    int64_t last_us;
    bool told;
};

static void tell(void *ctx, const char *phase, uint64_t done, uint64_t of) {
    struct telling *t = ctx;
    int64_t now = clock_monotonic_us();
    if (t->told && now - t->last_us < TELL_EVERY_US) return;
    t->told = true;
    t->last_us = now;
    fprintf(stderr, "\r\033[K%s", phase);
    if (of > 0) fprintf(stderr, ": %llu of about %llu", (unsigned long long)done, (unsigned long long)of);
}

struct named_count {
    const char *name;
    uint64_t count;
};
enum { COUNTS = 9 };

static void counts_of(const struct verify_report *r, struct named_count out[COUNTS]) {
    const struct named_count counts[COUNTS] = {
        {"tenants", r->tenants}, {"members", r->members},   {"wallets", r->wallets},
        {"entries", r->entries}, {"outcomes", r->outcomes}, {"identities", r->identities},
        {"lanes", r->lanes},     {"counters", r->counters}, {"uncounted", r->uncounted},
    };
    memcpy(out, counts, sizeof counts);
}

static void put_violation(struct json_writer *w, const struct violation *v) {
    json_open_object(w);
    json_key(w, "invariant");
    if (v->invariant == 0) {
        json_put_z(w, "lanes");
    } else {
        json_put_i64(w, v->invariant);
    }
    json_key(w, "tenant");
    json_put_str(w, v->tenant);
    json_key(w, "where");
    json_put_str(w, v->where);
    json_key(w, "what");
    json_put_str(w, v->what);
    json_close_object(w);
}

static void print_json(struct cli *c, const struct verify_report *r) {
    struct buf b = cli_buf(c);
    struct json_writer w = json_writer_of(&b);
    struct named_count counts[COUNTS];
    counts_of(r, counts);
    json_open_object(&w);
    for (size_t i = 0; i < COUNTS; i++) {
        json_key(&w, counts[i].name);
        json_put_i64(&w, (int64_t)counts[i].count);
    }
    json_key(&w, "violations");
    json_open_array(&w);
    for (size_t i = 0; i < r->violations.n; i++) put_violation(&w, &r->violations.items[i]);
    json_close_array(&w);
    json_key(&w, "more_violations");
    json_put_i64(&w, (int64_t)r->more);
    json_close_object(&w);
    cli_print(buf_str(&b));
}

static void print_text(const struct verify_report *r) {
    for (size_t i = 0; i < r->violations.n; i++) {
        const struct violation *v = &r->violations.items[i];
        if (v->invariant == 0) {
            printf("lanes: ");
        } else {
            printf("invariant %d: ", v->invariant);
        }
        if (v->tenant.n > 0) printf("tenant " STR_FMT ", ", STR_ARG(v->tenant));
        printf(STR_FMT ": " STR_FMT "\n", STR_ARG(v->where), STR_ARG(v->what));
    }
    if (r->more > 0) printf("and %llu more\n", (unsigned long long)r->more);
    struct named_count counts[COUNTS];
    counts_of(r, counts);
    printf("Read");
    for (size_t i = 0; i < COUNTS - 1; i++) printf("%s %llu %s", i > 0 ? "," : "", (unsigned long long)counts[i].count, counts[i].name);
    puts(".");
    if (r->uncounted > 0) {
        printf("Of %llu members the first outcomes are no longer kept: their counters were not recounted.\n",
               (unsigned long long)r->uncounted);
    }
    unsigned long long wrong = r->violations.n + r->more;
    if (wrong == 0) {
        puts("All invariants hold.");
    } else {
        printf("%llu violation%s.\n", wrong, wrong == 1 ? "" : "s");
    }
}

int cli_verify(struct cli *c) {
    struct telling telling = {0};
    struct verify_options options = {.ctx = &telling};
    const char *code = cli_value(c, "tenant");
    struct tenant_row tenant;
    if (code != NULL) {
        if (!cli_tenant(c, code, &tenant)) return EXIT_WRONG;
        options.tenant = tenant.id;
    }
    options.own = cli_value(c, "own") != NULL;
    if (options.own && code == NULL) return cli_usage("--own goes with --tenant");
    if (!c->json && isatty(STDERR_FILENO)) options.progress = tell;
    struct verify_report report;
    enum problem p = verify_run(c->service, c->arena, &options, &report, &c->faults);
    if (telling.told) fputs("\r\033[K", stderr);
    if (p != P_OK) return cli_refused(c, p);
    if (c->json) {
        print_json(c, &report);
    } else {
        print_text(&report);
    }
    return report.violations.n > 0 ? EXIT_WRONG : EXIT_OK;
}
