/* cli/job.c: scheduled work, for timers: progress on a terminal, one line of result. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "jobs/jobs.h"

struct telling {
    const struct job *job;
    bool told;
};

static void tell(void *ctx, uint64_t done) {
    struct telling *t = ctx;
    fprintf(stderr, "\r%s: %llu %s", t->job->name, (unsigned long long)done, t->job->done);
    t->told = true;
}

int cli_job(struct cli *c) {
    const struct job *job = job_find(c->command->verb);
    MUST(job != NULL); /* the table of commands names jobs only */
    struct telling telling = {.job = job};
    bool terminal = !c->json && isatty(STDERR_FILENO);
    uint64_t done;
    enum problem p = job_run(c->service, job, terminal ? tell : NULL, &telling, &done, &c->faults);
    if (telling.told) fputs("\r\033[K", stderr);
    if (p != P_OK) return cli_refused(c, p);
    if (c->json) {
        printf("{\"job\":\"%s\",\"done\":%llu}\n", job->name, (unsigned long long)done);
    } else {
        printf("%s: %llu %s\n", job->name, (unsigned long long)done, job->done);
    }
    return EXIT_OK;
}
