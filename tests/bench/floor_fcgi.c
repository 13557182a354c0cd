/* tests/bench/floor_fcgi.c: the least that a libfcgi worker can do: 300 bytes of answer to whatever is asked.
 *
 *   floor_fcgi SOCKET WORKERS
 *
 * Forks WORKERS processes that accept on the unix socket SOCKET, one request at a time and no kept connections, as libfcgi is meant to be
 * used. Ends with its parent, and when told to. */
#include <fcgiapp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

enum { BODY_BYTES = 300, BACKLOG = 1024, WORKERS_MAX = 64 };

static int work(int listener) {
    char answer[BODY_BYTES + 128], body[BODY_BYTES + 1];
    FCGX_Request request;
    memset(body, 'x', BODY_BYTES);
    body[BODY_BYTES] = '\0';
    int n = snprintf(answer, sizeof answer, "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", (int)BODY_BYTES, body);
    if (FCGX_Init() != 0 || FCGX_InitRequest(&request, listener, 0) != 0) return 1;
    while (FCGX_Accept_r(&request) == 0) {
        FCGX_PutStr(answer, n, request.out);
        FCGX_Finish_r(&request);
    }
    return 0;
}

int main(int argc, char **argv) {
    int64_t workers;
    if (argc != 3 || !str_to_i64(str_of(argv[2]), 1, WORKERS_MAX, &workers)) {
        fprintf(stderr, "floor_fcgi SOCKET WORKERS\n");
        return 2;
    }
    int listener = FCGX_OpenSocket(argv[1], BACKLOG);
    if (listener < 0) return 1;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int64_t i = 0; i < workers; i++) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            _exit(work(listener));
        }
    }
    while (wait(NULL) > 0) {
    }
    return 0;
}
