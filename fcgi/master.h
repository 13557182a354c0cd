/* fcgi/master.h: the master: binds, forks, watches, replaces, drains. It never touches a request. */
#ifndef FCGI_MASTER_H
#define FCGI_MASTER_H

#include "base/settings.h"

struct master_options {
    const char *conf;     /* the settings file, read again on SIGHUP; NULL: as settings_load says */
    const char *pid_file; /* NULL: none */
};

/* Runs until SIGTERM or SIGINT. Gives the exit status: 0 after an orderly end. */
int master_run(const struct master_options *options, const struct settings *settings, struct arena *a);

#endif
