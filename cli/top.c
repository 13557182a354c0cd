/* cli/top.c: a running pool, watched: a page each second on a terminal, else one sample after the other. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/text.h"
#include "cli/top_page.h"
#include "service/live.h"

enum { SAMPLE_MS = 1000 };

static volatile sig_atomic_t told_to_end;

static void on_end(int signal) {
    (void)signal;
    told_to_end = 1;
}

/* A sample needs two readings: their arenas take turns. */
struct watch {
    struct cli *c;
    struct arena *arenas[2];
    size_t at; /* whose arena the last reading lives in */
    struct live *last;
    struct str error; /* why there is none */
};

static bool look(struct watch *w) {
    size_t next = 1 - w->at;
    struct live *now;
    arena_reset(w->arenas[next]);
    bool ok = live_read(&w->c->settings, w->arenas[next], &now, &w->error);
    w->last = ok ? now : NULL;
    w->at = next;
    return ok;
}

/* ---- the terminal: keys at once and without echo, on a screen of its own; as it was when the command ends ---- */

static void write_out(struct str text) {
    fwrite(text.p, 1, text.n, stdout);
    fflush(stdout);
}

static bool take_terminal(struct termios *before) {
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, before) != 0) return false;
    struct termios keys = *before;
    keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    keys.c_cc[VSUSP] = _POSIX_VDISABLE; /* a stopped command would leave its screen behind */
    return tcsetattr(STDIN_FILENO, TCSANOW, &keys) == 0;
}

/* Waits until it is time for the next sample; true: a q, or a signal, or the end of the keys. */
static bool waits_for_end(bool keys, int64_t until_us) {
    for (;;) {
        int64_t left_ms = (until_us - clock_monotonic_us() + 999) / 1000;
        struct pollfd p = {.fd = keys ? STDIN_FILENO : -1, .events = POLLIN};
        if (told_to_end) return true;
        if (left_ms <= 0) return false;
        int n = poll(&p, 1, (int)left_ms);
        char key;
        if (n == 0) return false;
        if (n > 0 && (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q')) return true;
    }
}

/* ---- one sample ---- */

static void add_sample(struct cli *c, const struct live *before, const struct live *now, struct buf *out) {
    struct json sample;
    struct str text = live_render(c->arena, before, now);
    if (c->json || json_parse(c->arena, text, &sample, &c->faults) != P_OK) {
        buf_add(out, text);
        buf_c(out, '\n');
    } else {
        put_top_page(c, &sample, out);
    }
}

/* The screen: each line over the old one, so that nothing flickers, and no more of them than there is room for. */
static struct str screen_of(struct cli *c, struct str page) {
    struct buf b = cli_buf(c);
    size_t rows = terminal_rows();
    buf_z(&b, "\033[H");
    for (size_t row = 1; page.n > 0 && (rows == 0 || row < rows); row++) {
        struct str line = str_cut(&page, '\n');
        buf_f(&b, STR_FMT "\033[K\n", STR_ARG(line));
    }
    colour_add(&b, c->colours, COLOUR_DIM, STR("q or Ctrl-C ends"));
    buf_z(&b, "\033[K\033[J");
    return buf_str(&b);
}

static int show(struct watch *w, const struct live *before, bool screen) {
    struct cli *c = w->c;
    struct buf page = cli_buf(c);
    if (w->last != NULL) {
        add_sample(c, before, w->last, &page);
    } else if (screen) { /* it may come back */
        buf_f(&page, "No pool to be seen.\n" STR_FMT "\n", STR_ARG(w->error));
    } else {
        fprintf(stderr, "accolade: " STR_FMT "\n", STR_ARG(w->error));
        return EXIT_WRONG;
    }
    if (!screen && !c->json && cli_value(c, "once") == NULL) buf_c(&page, '\n');
    write_out(screen ? screen_of(c, buf_str(&page)) : buf_str(&page));
    return EXIT_OK;
}

static int watch(struct watch *w, bool screen, bool keys) {
    bool once = cli_value(w->c, "once") != NULL;
    int code = EXIT_OK;
    look(w);
    if (w->last == NULL || screen) code = show(w, NULL, screen);
    while (code == EXIT_OK && !waits_for_end(keys, clock_monotonic_us() + (int64_t)SAMPLE_MS * 1000)) {
        const struct live *before = w->last;
        struct arena *page = arena_new(), *own = w->c->arena;
        w->c->columns = terminal_columns();
        w->c->arena = page;
        look(w);
        code = show(w, before, screen);
        w->c->arena = own;
        arena_free(&page);
        if (once || ferror(stdout)) break;
    }
    return code;
}

int cli_top(struct cli *c) {
    struct watch w = {.c = c, .arenas = {arena_new(), arena_new()}};
    struct sigaction end = {.sa_handler = on_end};
    struct termios before;
    bool screen = !c->json && isatty(STDOUT_FILENO) && cli_value(c, "once") == NULL;
    bool keys = screen && take_terminal(&before);
    int failed = sigaction(SIGINT, &end, NULL) | sigaction(SIGTERM, &end, NULL) | sigaction(SIGHUP, &end, NULL);
    MUST(!failed);
    if (screen) write_out(STR("\033[?1049h\033[?25l\033[?7l")); /* another screen, no cursor, lines end at its edge */
    int code = watch(&w, screen, keys);
    if (screen) write_out(STR("\033[?7h\033[?25h\033[?1049l"));
    if (keys) tcsetattr(STDIN_FILENO, TCSANOW, &before);
    arena_free(&w.arenas[0]);
    arena_free(&w.arenas[1]);
    return code;
}
