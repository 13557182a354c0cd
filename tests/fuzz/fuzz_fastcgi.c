/* Any bytes on a connection to a worker: records and parameters of FastCGI. Dropped, or one whole request with an id and no more of a
 * body than there were bytes; its answer comes back as records, and the connection is let go of (MECHANICS 4). */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "fcgi/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
const char *__lsan_default_suppressions(void);

/* The library keeps the name and value of a management record that it does not know; only the web server could send any. */
const char *__lsan_default_suppressions(void) { return "leak:libfcgi.so"; }

enum {
    RECORD_HEAD_BYTES = 8,
    INPUT_BYTES_MAX = 12 * 1024
}; /* it fits into the socket's buffer, and what libfcgi itself says to it does too */

static const char answer[] = "Status: 204\r\n\r\n";

static void check(bool holds) {
    if (!holds) abort();
}

static struct transport *transport;
static struct sockaddr_un address = {.sun_family = AF_UNIX}; /* no path: the system gives it a name that no file has */
static socklen_t address_bytes = sizeof(sa_family_t);

static void open_transport(void) {
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    check(listener >= 0 && bind(listener, (struct sockaddr *)&address, address_bytes) == 0 && listen(listener, 8) == 0);
    address_bytes = sizeof address;
    check(getsockname(listener, (struct sockaddr *)&address, &address_bytes) == 0);
    log_open("/dev/null", LOG_ERROR, "fuzz");
    transport = transport_open(listener, 1);
}

static int send_bytes(const uint8_t *data, size_t n) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0 && connect(fd, (struct sockaddr *)&address, address_bytes) == 0);
    check(n == 0 || write(fd, data, n) == (ssize_t)n);
    check(shutdown(fd, SHUT_WR) == 0);
    return fd;
}

static void check_request(const struct request *r, size_t n) {
    check(r->request_id.n >= 1 && r->request_id.n <= 64 && (r->traceparent.n == 0 || r->traceparent.n == 55));
    check(r->body.n <= n && r->uri.n <= n && r->authorization.n <= n && r->ce.n <= n);
}

/* The library ends the process when a parameter is said to have a length that there is no memory for (docs/THREATS.md): without a byte
 * above 0x80 a length is below 16 MiB. */
static bool is_survived(const uint8_t *data, size_t n) {
    for (size_t at = 0; at < n;) { /* record by record */
        size_t head = at + RECORD_HEAD_BYTES, end = n;
        if (head <= n) end = head + data[at + 4] * 256U + data[at + 5];
        for (size_t i = head; i < end && i < n; i++) {
            if (data[i] > 0x80) return false;
        }
        at = head <= n ? end + data[at + 6] : n;
    }
    return n <= INPUT_BYTES_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static char got[1024 * 1024];
    if (!is_survived(data, n)) return 0;
    if (transport == NULL) open_transport();
    int fd = send_bytes(data, n);
    size_t taken = transport_take(transport, 1, NULL, NULL);
    check(taken <= 1);
    if (taken == 1) {
        check_request(transport_request(transport, 0), n);
        transport_answer(transport, 0, str_of(answer));
        ssize_t bytes = read(fd, got, sizeof got);
        check(bytes > 0 && memmem(got, (size_t)bytes, answer, strlen(answer)) != NULL);
        transport_done(transport);
    }
    check(transport_held(transport) == 0);
    close(fd);
    return 0;
}
