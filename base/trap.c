#include "base/trap.h"

#ifdef ACCOLADE_TEST_TRAPS

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { TRAP_PATH_MAX = 1024, TRAP_TEXT_MAX = 8 };

static const char *dir;

void trap_set_dir(const char *path) { dir = path != NULL && *path != '\0' ? path : NULL; }

/* What a file of the folder says; 0: it is not there. */
static int planted(const char *path) {
    char text[TRAP_TEXT_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    return n >= 4 && str_is((struct str){text, 4}, "stop") ? SIGSTOP : SIGKILL;
}

/* Of several that come at once, unlink() lets one through. */
int trap_take(const char *point) {
    char path[TRAP_PATH_MAX];
    if (dir == NULL || snprintf(path, sizeof path, "%s/%s", dir, point) >= (int)sizeof path) return 0;
    int signal = planted(path);
    return signal != 0 && unlink(path) == 0 ? signal : 0;
}

void trap(const char *point) {
    int signal = trap_take(point);
    if (signal != 0) kill(getpid(), signal);
}

void trap_item(struct str id) {
    char path[TRAP_PATH_MAX];
    if (dir == NULL || snprintf(path, sizeof path, "%s/item-" STR_FMT, dir, STR_ARG(id)) >= (int)sizeof path) return;
    int signal = planted(path);
    if (signal != 0) kill(getpid(), signal);
}

#endif
