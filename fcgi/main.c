/* accolade-fcgi: the pool of workers behind the web server. docs/man/accolade-fcgi.8 */
#include <getopt.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/trap.h"
#include "fcgi/master.h"
#include "handlers/routes.h"

enum { EXIT_USAGE = 2 };

static const char usage_text[] = "usage: accolade-fcgi [-c FILE] [--pid-file FILE]\n"
                                 "       accolade-fcgi [-c FILE] -T\n"
                                 "       accolade-fcgi --help\n"
                                 "\n"
                                 "Binds the sockets of the pools events, bulk and api and answers the web server's requests.\n"
                                 "\n"
                                 "  -c, --conf FILE      settings (accolade.conf(5)); else $ACCOLADE_CONF, else the defaults\n"
                                 "  -T, --test           print the settings as they would be used, secrets masked, and end\n"
                                 "      --pid-file FILE  write the process id there once the sockets are bound\n"
                                 "  -h, --help           this text\n"
                                 "\n"
                                 "SIGTERM answers what waits and ends; SIGHUP reads the settings again and replaces the workers\n"
                                 "one by one. Exit status: 0 after an orderly end, 1 when it cannot run, 2 for wrong settings.\n";

struct arguments {
    struct master_options options;
    bool test, help;
};

static bool parse(int argc, char **argv, struct arguments *out) {
    enum { PID_FILE = 256 };
    static const struct option options[] = {
        {"conf", required_argument, NULL, 'c'},
        {"test", no_argument, NULL, 'T'},
        {"pid-file", required_argument, NULL, PID_FILE},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "c:Th", options, NULL)) >= 0;) {
        switch (c) {
        case 'c': out->options.conf = optarg; break;
        case 'T': out->test = true; break;
        case 'h': out->help = true; break;
        case PID_FILE: out->options.pid_file = optarg; break;
        default: return false;
        }
    }
    return optind == argc;
}

static int print_settings(struct arena *a, const struct settings *settings) {
    struct buf b = buf_new(a, SIZE_MAX);
    settings_print(a, settings, &b);
    struct str text = buf_str(&b);
    return fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0 ? 0 : 1;
}

/* What a worker could not do without is tried once here: better refused now than by workers that cannot start. */
static int run(const struct arguments *arguments, const struct settings *settings, struct arena *a) {
    struct str error;
    const char *why;
    if (!routes_check(&route_table, &why)) NEVER(why);
    struct service *service = service_open(settings, false, a, &error);
    if (service == NULL) {
        fprintf(stderr, "accolade-fcgi: " STR_FMT "\n", STR_ARG(error));
        return EXIT_USAGE;
    }
    service_close(&service);
    log_open(settings->log_file, (enum log_level)settings->log_level, "accolade-fcgi");
    clock_set_file(settings->clock_file);
    trap_set_dir(settings->trap_dir);
    return master_run(&arguments->options, settings, a);
}

int main(int argc, char **argv) {
    struct arguments arguments = {0};
    struct settings settings;
    struct str error;
    if (!parse(argc, argv, &arguments)) {
        fputs(usage_text, stderr);
        return EXIT_USAGE;
    }
    if (arguments.help) {
        fputs(usage_text, stdout);
        return 0;
    }
    struct arena *a = arena_new();
    int status = EXIT_USAGE;
    if (!settings_load(a, arguments.options.conf, &settings, &error)) {
        fprintf(stderr, "accolade-fcgi: " STR_FMT "\n", STR_ARG(error));
    } else {
        status = arguments.test ? print_settings(a, &settings) : run(&arguments, &settings, a);
    }
    arena_free(&a);
    return status;
}
