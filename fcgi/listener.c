#include "fcgi/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_HANDED_FD = 3, HANDED_FDS_MAX = 16, SOCKET_MODE = 0660 };

/* ---- handed over by systemd (sd_listen_fds(3)) ---- */

static bool is_listening(int fd) {
    int domain = 0, accepts = 0;
    socklen_t n = sizeof accepts, m = sizeof domain;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &n) == 0 && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &m) == 0 &&
           accepts != 0 && domain == AF_UNIX;
}

static bool take_handed(struct arena *a, struct listener *listeners, size_t n, struct str *error) {
    int64_t pid, count;
    const char *names = getenv("LISTEN_FDNAMES");
    if (!str_to_i64(str_of(getenv("LISTEN_PID")), 1, INT32_MAX, &pid) || pid != getpid()) return true;
    if (!str_to_i64(str_of(getenv("LISTEN_FDS")), 1, HANDED_FDS_MAX, &count)) return true;
    struct str rest = str_of(names);
    for (int fd = FIRST_HANDED_FD; fd < FIRST_HANDED_FD + (int)count; fd++) {
        struct str name = rest.p != NULL ? str_cut(&rest, ':') : STR("");
        struct listener *l = NULL;
        for (size_t i = 0; i < n; i++) {
            if (str_is(name, listeners[i].name) && listeners[i].fd < 0) l = &listeners[i];
        }
        if (l == NULL || !is_listening(fd)) {
            *error = str_printf(a, "LISTEN_FDNAMES: descriptor %d (\"" STR_FMT "\") is not a listening unix socket of a pool", fd,
                                STR_ARG(name));
            return false;
        }
        l->fd = fd;
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return true;
}

/* ---- bound here ---- */

/* Whether somebody listens at the address; a file that nobody does is what a killed master left. */
static bool somebody_listens(const struct sockaddr_un *address) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return true;
    bool yes = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN;
    close(fd);
    return yes;
}

static bool bind_one(struct arena *a, struct listener *l, int backlog, struct str *error) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    size_t length = strlen(l->path);
    if (length == 0 || length >= sizeof address.sun_path) {
        *error = str_printf(a, "%s: the path of a unix socket has 1 to %zu bytes", l->path, sizeof address.sun_path - 1);
        return false;
    }
    memcpy(address.sun_path, l->path, length);
    if (lstat(l->path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode) || somebody_listens(&address)) {
            *error =
                str_printf(a, "%s: %s", l->path, S_ISSOCK(st.st_mode) ? "somebody listens there already" : "is there and is no socket");
            return false;
        }
        unlink(l->path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(0777 & ~SOCKET_MODE);
    bool ok = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && listen(fd, backlog) == 0;
    int why = errno;
    umask(before);
    if (!ok) {
        *error = str_printf(a, "%s: %s", l->path, strerror(why));
        if (fd >= 0) close(fd);
        return false;
    }
    l->fd = fd;
    l->ours = lstat(l->path, &st) == 0;
    l->device = st.st_dev;
    l->inode = st.st_ino;
    return true;
}

bool listeners_open(struct arena *a, struct listener *listeners, size_t n, int backlog, struct str *error) {
    for (size_t i = 0; i < n; i++) listeners[i].fd = -1;
    if (!take_handed(a, listeners, n, error)) return false;
    for (size_t i = 0; i < n; i++) {
        if (listeners[i].fd < 0) {
            if (bind_one(a, &listeners[i], backlog, error)) continue;
            listeners_unlink(listeners, i);
            return false;
        }
        fcntl(listeners[i].fd, F_SETFD, FD_CLOEXEC);
        fcntl(listeners[i].fd, F_SETFL, fcntl(listeners[i].fd, F_GETFL) | O_NONBLOCK);
    }
    return true;
}

/* The file is removed only while it still is this socket: another master may have put its own there. */
void listeners_unlink(struct listener *listeners, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct listener *l = &listeners[i];
        struct stat st;
        if (l->ours && lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode) unlink(l->path);
        l->ours = false;
    }
}

void listeners_close(struct listener *listeners, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (listeners[i].fd >= 0) close(listeners[i].fd);
        listeners[i].fd = -1;
    }
}

bool listener_has_waiting(const struct listener *l) {
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

int64_t listener_somaxconn(void) {
    char text[32];
    int64_t v = -1;
    int fd = open("/proc/sys/net/core/somaxconn", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd >= 0) close(fd);
    while (n > 0 && text[n - 1] == '\n') n--;
    return n > 0 && str_to_i64((struct str){text, (size_t)n}, 1, INT32_MAX, &v) ? v : -1;
}
