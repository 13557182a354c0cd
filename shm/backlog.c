#include "shm/backlog.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { STATE_LISTEN = 10, ANSWER_BYTES = 32 * 1024 };

static bool ask(int fd) {
    struct {
        struct nlmsghdr head;
        struct unix_diag_req body;
    } question = {
        .head = {.nlmsg_len = sizeof question, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = AF_UNIX, .udiag_states = 1U << STATE_LISTEN, .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN},
    };
    return send(fd, &question, sizeof question, 0) == (ssize_t)sizeof question;
}

/* One socket: its path and its queue, among attributes that come in any order. */
static void take(const struct nlmsghdr *message, const char *const *paths, size_t n, int64_t *out) {
    const char *at = (const char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct unix_diag_msg)), *name = NULL;
    const char *end = (const char *)message + message->nlmsg_len;
    size_t length = 0;
    struct unix_diag_rqlen queue = {.udiag_rqueue = UINT32_MAX};
    struct rtattr a;
    for (; (size_t)(end - at) >= sizeof a && at < end; at += RTA_ALIGN(a.rta_len)) {
        memcpy(&a, at, sizeof a);
        if (a.rta_len < sizeof a || a.rta_len > (size_t)(end - at)) return;
        const char *value = at + sizeof a;
        size_t bytes = a.rta_len - sizeof a;
        if (a.rta_type == UNIX_DIAG_NAME) name = value, length = strnlen(value, bytes);
        if (a.rta_type == UNIX_DIAG_RQLEN && bytes >= sizeof queue) memcpy(&queue, value, sizeof queue);
        if (RTA_ALIGN(a.rta_len) > (size_t)(end - at)) break;
    }
    if (name == NULL || queue.udiag_rqueue == UINT32_MAX) return;
    for (size_t i = 0; i < n; i++) {
        if (strlen(paths[i]) == length && memcmp(paths[i], name, length) == 0) out[i] = queue.udiag_rqueue;
    }
}

/* false: that was the end. */
static bool take_some(int fd, const char *const *paths, size_t n, int64_t *out) {
    _Alignas(struct nlmsghdr) char bytes[ANSWER_BYTES];
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    for (size_t at = 0, left = (size_t)got; left >= sizeof(struct nlmsghdr);) {
        const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)(bytes + at);
        size_t length = NLMSG_ALIGN(message->nlmsg_len);
        if (message->nlmsg_len < sizeof *message || message->nlmsg_len > left) return false;
        if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY) return false; /* done, or an error */
        if (message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct unix_diag_msg))) take(message, paths, n, out);
        if (length > left) return true;
        at += length;
        left -= length;
    }
    return true;
}

void backlogs_waiting(const char *const *paths, size_t n, int64_t *out) {
    static const struct timeval patience = {.tv_sec = 1};
    for (size_t i = 0; i < n; i++) out[i] = -1;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0) return;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (ask(fd)) {
        while (take_some(fd, paths, n, out)) {
        }
    }
    close(fd);
}
