/* tests/bench/floor_sql.c: the SQL of an award and nothing else: what the service is held against.
 *
 *   floor_sql --socket S --database D --key KEY_ID --connections N --seconds S --awards 1|…|100 --members M --hot B --clear B --sealed B
 *
 * The statements of sql/statements.def in the order of the one transaction: key and tenant, identities, members; BEGIN, identities, lock,
 * load, states, entries, outcomes, lane, COMMIT. Through Connector/C, prepared once with room for exactly the awards of a transaction,
 * binds set once, results read without a copy; one thread per connection. The database D has tables like Accolade's with the members m-0 …
 * of the key's tenant; the states' first 8 bytes are this program's own count of entries. --hot, --clear and --sealed are the lengths that
 * the service wrote. A transaction that meets a deadlock is run again and counted. Prints one line of JSON; `errors` must be 0. */
#include <getopt.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <pthread.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/str.h"
#include "sql/statements.h"

enum { CONNECTIONS_MAX = 64, AWARDS_MAX = 100, TEXT_MAX = 64 * 1024, OUT_MAX = 24, BYTES_MAX = 4096, LANE_FIRST = 1, MS_OF_DAY = 86400000 };

static struct options {
    const char *socket, *database, *key;
    int64_t connections, seconds, awards, members, hot, clear, sealed;
} opt = {.connections = 1, .seconds = 5, .awards = 1, .members = 1};

/* A value of a bind: a number, or bytes in a room of its own. */
struct cell {
    int64_t number;
    unsigned long length;
    char *bytes;
};
struct prepared {
    MYSQL_STMT *statement;
    struct cell *in;
    struct cell out[OUT_MAX];
    size_t n_in, n_out, group; /* group: cells of one row */
};
struct member {
    char id[24];
    uint64_t no, version, seq;
    char *hot;
};
enum { FRONT, FIND, KEYS, INSERT, LOCK, LOAD, WRITE, ENTRIES, OUTCOMES, LANE, STATEMENTS };
static const int catalogue[STATEMENTS] = {STMT_FRONT_READ,      STMT_IDENTITIES_FIND, STMT_MEMBER_KEYS_FIND, STMT_IDENTITIES_INSERT,
                                          STMT_STATES_LOCK,     STMT_STATES_LOAD,     STMT_STATES_WRITE_HOT, STMT_ENTRIES_INSERT,
                                          STMT_OUTCOMES_INSERT, STMT_LANE_WRITE};

struct thread {
    pthread_t id;
    MYSQL *mysql;
    struct prepared prepared[STATEMENTS];
    struct member members[AWARDS_MAX];
    char identities[AWARDS_MAX][16], owner[16];
    uint64_t lane, n, random, tenant;
    int64_t end_us, awards, retries, errors;
    struct {
        uint32_t *items;
        size_t n, room;
    } latencies;
};

static void fail(const char *what, const char *why) {
    fprintf(stderr, "floor_sql: %s: %s\n", what, why);
    exit(2);
}

static uint64_t next_random(struct thread *t) { /* xorshift64 */
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    return t->random ^= t->random << 17;
}

/* ---- statements ---- */

/* The text with its group repeated; gives how many parameters that makes. */
static size_t expand(const struct statement *def, size_t rows, char *text) {
    const char *open = strchr(def->text, '{'), *close = strchr(def->text, '}');
    size_t parameters = 0, at;
    if (open == NULL) {
        at = (size_t)snprintf(text, TEXT_MAX, "%s", def->text);
    } else {
        at = (size_t)snprintf(text, TEXT_MAX, "%.*s", (int)(open - def->text), def->text);
        for (size_t i = 0; i < rows; i++) {
            at += (size_t)snprintf(text + at, TEXT_MAX - at, "%s%.*s", i > 0 ? ", " : "", (int)(close - open - 1), open + 1);
        }
        snprintf(text + at, TEXT_MAX - at, "%s", close + 1);
    }
    for (const char *p = text; *p != '\0'; p++) parameters += *p == '?';
    return parameters;
}

static MYSQL_BIND bind_of(char letter, struct cell *cell, bool result) {
    bool bytes = letter == 'b' || letter == 's';
    MYSQL_BIND b;
    memset(&b, 0, sizeof b);
    b.buffer_type = bytes ? MYSQL_TYPE_BLOB : MYSQL_TYPE_LONGLONG;
    b.buffer = bytes ? (void *)cell->bytes : &cell->number;
    b.buffer_length = result && bytes ? BYTES_MAX : 0;
    b.length = &cell->length;
    b.is_unsigned = letter != 'i';
    return b;
}

static struct cell *cells(size_t n, const char *letters) {
    struct cell *all = calloc(n, sizeof *all);
    for (size_t i = 0; i < n; i++) {
        if (strchr("bs", letters[i]) != NULL) all[i].bytes = calloc(1, BYTES_MAX);
    }
    return all;
}

/* The letters with the group's repeated, without its brackets. */
static void spread(const char *letters, size_t rows, char *to) {
    const char *open = strchr(letters, '(');
    size_t single = open != NULL ? (size_t)(open - letters) : strlen(letters), group = open != NULL ? strcspn(open + 1, ")") : 0;
    memcpy(to, letters, single);
    for (size_t i = 0; i < rows * group; i++) to[single + i] = open[1 + i % group];
    to[single + rows * group] = '\0';
}

static void prepare(struct thread *t, size_t which) {
    const struct statement *def = &statements[catalogue[which]];
    struct prepared *p = &t->prepared[which];
    size_t rows = which == FRONT ? 1 : (size_t)opt.awards;
    char *text = malloc(TEXT_MAX), *letters = malloc(TEXT_MAX);
    const char *open = strchr(def->in, '(');
    p->n_in = expand(def, rows, text);
    p->n_out = strlen(def->out);
    p->group = open != NULL ? strcspn(open + 1, ")") : strlen(def->in);
    spread(def->in, rows, letters);
    p->in = cells(p->n_in, letters);
    p->statement = mysql_stmt_init(t->mysql);
    if (mysql_stmt_prepare(p->statement, text, strlen(text)) != 0) fail(def->name, mysql_stmt_error(p->statement));
    if (mysql_stmt_param_count(p->statement) != p->n_in || strlen(letters) != p->n_in) fail(def->name, "other parameters than letters");
    MYSQL_BIND *in = calloc(p->n_in, sizeof *in), out[OUT_MAX];
    for (size_t i = 0; i < p->n_in; i++) in[i] = bind_of(letters[i], &p->in[i], false);
    if (mysql_stmt_bind_param(p->statement, in) != 0) fail(def->name, mysql_stmt_error(p->statement));
    for (size_t i = 0; i < p->n_out; i++) {
        if (strchr("bs", def->out[i]) != NULL) p->out[i].bytes = calloc(1, BYTES_MAX);
        out[i] = bind_of(def->out[i], &p->out[i], true);
    }
    if (p->n_out > 0 && mysql_stmt_bind_result(p->statement, out) != 0) fail(def->name, mysql_stmt_error(p->statement));
    free(in);
    free(text);
    free(letters);
}

static struct cell *row_of(struct prepared *p, size_t i) { return p->in + i * p->group; }

static void set_bytes(struct cell *c, const void *bytes, size_t n) {
    memcpy(c->bytes, bytes, n);
    c->length = n;
}
static void set_length(struct cell *c, int64_t n) { c->length = (unsigned long)n; } /* what stands there, whatever it is */

static bool execute(struct thread *t, size_t which) { return mysql_stmt_execute(t->prepared[which].statement) == 0; }
static bool fetch(struct thread *t, size_t which) { return mysql_stmt_fetch(t->prepared[which].statement) == 0; }
/* Reads to the end; false unless that many rows came. */
static bool drain(struct thread *t, size_t which, size_t wanted) {
    size_t n = 0;
    while (fetch(t, which)) n++;
    mysql_stmt_free_result(t->prepared[which].statement);
    return n == wanted;
}
static bool command(struct thread *t, const char *text) { return mysql_real_query(t->mysql, text, strlen(text)) == 0; }

/* ---- an award ---- */

static int by_bytes(const void *x, const void *y) { return memcmp(x, y, 16); }
static int by_no(const void *x, const void *y) {
    const struct member *a = x, *b = y;
    return a->no < b->no ? -1 : a->no > b->no;
}

static void choose(struct thread *t) {
    size_t n = (size_t)opt.awards;
    for (size_t i = 0; i < n; i++) {
        struct member *m = &t->members[i];
        uint64_t words[2] = {next_random(t), next_random(t)};
        memcpy(t->identities[i], words, sizeof words);
        for (bool again = true; again;) {
            snprintf(m->id, sizeof m->id, "m-%llu", (unsigned long long)(next_random(t) % (uint64_t)opt.members));
            again = false;
            for (size_t j = 0; j < i; j++) again = again || strcmp(t->members[j].id, m->id) == 0;
        }
    }
    qsort(t->identities, n, sizeof t->identities[0], by_bytes);
    for (size_t i = 0; i < n; i++) {
        struct cell *c = row_of(&t->prepared[FIND], i);
        c[0].number = (int64_t)t->tenant;
        set_bytes(&c[1], t->identities[i], 16);
        c = row_of(&t->prepared[KEYS], i);
        c[0].number = (int64_t)t->tenant;
        set_bytes(&c[1], t->members[i].id, strlen(t->members[i].id));
    }
}

static bool front(struct thread *t) {
    if (!execute(t, FRONT) || !drain(t, FRONT, 1)) return false;
    if (!execute(t, FIND) || !drain(t, FIND, 0)) return false;
    if (!execute(t, KEYS)) return false;
    for (size_t i = 0; i < (size_t)opt.awards; i++) {
        if (!fetch(t, KEYS)) return false;
        t->members[i].no = (uint64_t)t->prepared[KEYS].out[2].number;
    }
    if (!drain(t, KEYS, 0)) return false;
    qsort(t->members, (size_t)opt.awards, sizeof t->members[0], by_no);
    return true;
}

static bool claim(struct thread *t, int64_t now_ms) {
    for (size_t i = 0; i < (size_t)opt.awards; i++) {
        struct cell *c = row_of(&t->prepared[INSERT], i);
        int64_t values[] = {now_ms / MS_OF_DAY, (int64_t)t->lane, (int64_t)t->n, (int64_t)i, now_ms, now_ms / MS_OF_DAY};
        c[0].number = (int64_t)t->tenant;
        set_bytes(&c[1], t->identities[i], 16);
        set_length(&c[2], 16);
        for (size_t k = 0; k < COUNT(values); k++) c[3 + k].number = values[k];
    }
    return execute(t, INSERT) && execute(t, FIND) && drain(t, FIND, (size_t)opt.awards);
}

static bool load(struct thread *t) {
    struct prepared *p = &t->prepared[LOAD];
    for (size_t i = 0; i < (size_t)opt.awards; i++) {
        struct cell *lock = row_of(&t->prepared[LOCK], i), *want = row_of(p, i);
        lock[0].number = want[0].number = (int64_t)t->tenant;
        lock[1].number = want[1].number = (int64_t)t->members[i].no;
    }
    if (!execute(t, LOCK) || !execute(t, LOAD)) return false;
    for (size_t i = 0; i < (size_t)opt.awards; i++) {
        if (!fetch(t, LOAD)) return false;
        struct member wanted = {.no = (uint64_t)p->out[1].number};
        struct member *m = bsearch(&wanted, t->members, (size_t)opt.awards, sizeof *m, by_no);
        if (m == NULL || p->out[3].length < sizeof m->seq) return false;
        m->version = (uint64_t)p->out[2].number;
        memcpy(&m->seq, p->out[3].bytes, sizeof m->seq);
        m->seq++;
    }
    return drain(t, LOAD, 0);
}

static bool store(struct thread *t, int64_t now_ms) {
    for (size_t i = 0; i < (size_t)opt.awards; i++) {
        const struct member *m = &t->members[i];
        struct cell *state = row_of(&t->prepared[WRITE], i), *entry = row_of(&t->prepared[ENTRIES], i),
                    *outcome = row_of(&t->prepared[OUTCOMES], i);
        int64_t day = now_ms / MS_OF_DAY, lane = (int64_t)t->lane, n = (int64_t)t->n, at = (int64_t)i, no = (int64_t)m->no;
        int64_t entry_values[] = {(int64_t)t->tenant, no, 1, 0, (int64_t)m->seq, 10, (int64_t)m->seq * 10, 1, 1, day, lane, n, at};
        int64_t outcome_values[] = {day, lane, n, at, opt.awards, (int64_t)t->tenant, no, (int64_t)m->version};
        uint64_t random = next_random(t);
        state[0].number = (int64_t)t->tenant;
        state[1].number = no;
        state[2].number = (int64_t)m->version;
        memcpy(state[3].bytes, &m->seq, sizeof m->seq);
        memcpy(state[3].bytes + sizeof m->seq, &random, sizeof random);
        set_length(&state[3], opt.hot);
        for (size_t k = 0; k < COUNT(entry_values); k++) entry[k].number = entry_values[k];
        set_bytes(&entry[13], t->identities[i], 16);
        entry[14].number = now_ms;
        set_bytes(&entry[15], t->identities[i], 16);
        for (size_t k = 0; k < COUNT(outcome_values); k++) outcome[k].number = outcome_values[k];
        set_length(&outcome[8], opt.clear);
        set_length(&outcome[9], opt.sealed);
    }
    return execute(t, WRITE) && execute(t, ENTRIES) && execute(t, OUTCOMES);
}

static bool advance(struct thread *t, int64_t now_ms) {
    struct cell *c = t->prepared[LANE].in;
    c[0].number = now_ms + 30000;
    c[1].number = now_ms / MS_OF_DAY;
    c[2].number = (int64_t)t->n;
    c[3].number = (int64_t)t->lane;
    set_bytes(&c[4], t->owner, sizeof t->owner);
    return execute(t, LANE) && mysql_stmt_affected_rows(t->prepared[LANE].statement) == 1;
}

static bool transaction(struct thread *t) {
    int64_t now_ms = clock_now_ms();
    t->n++;
    return command(t, "BEGIN") && claim(t, now_ms) && load(t) && store(t, now_ms) && advance(t, now_ms) && command(t, "COMMIT");
}

/* What a retry can mend is no error. */
static bool may_retry(struct thread *t) {
    unsigned error = mysql_errno(t->mysql);
    for (size_t i = 0; i < STATEMENTS && error == 0; i++) error = mysql_stmt_errno(t->prepared[i].statement);
    for (size_t i = 0; i < STATEMENTS; i++) mysql_stmt_reset(t->prepared[i].statement);
    if (error == ER_LOCK_DEADLOCK || error == ER_LOCK_WAIT_TIMEOUT) return true;
    fprintf(stderr, "floor_sql: a transaction failed: %u\n", error);
    return false;
}

static void note_latency(struct thread *t, int64_t us) {
    if (t->latencies.n == t->latencies.room) {
        t->latencies.room = t->latencies.room * 2 + 65536;
        t->latencies.items = reallocarray(t->latencies.items, t->latencies.room, sizeof *t->latencies.items);
        if (t->latencies.items == NULL) fail("latencies", "no memory");
    }
    t->latencies.items[t->latencies.n++] = (uint32_t)us;
}

static void *work(void *arg) {
    struct thread *t = arg;
    for (int64_t now_us; (now_us = clock_monotonic_us()) < t->end_us && t->errors == 0;) {
        choose(t);
        bool done = front(t) && transaction(t);
        for (int again = 0; !done && again < 20; again++) {
            if (!may_retry(t)) break;
            t->retries++;
            done = command(t, "ROLLBACK") && transaction(t);
        }
        if (!done) t->errors++;
        int64_t after_us = clock_monotonic_us();
        note_latency(t, after_us - now_us);
        if (done && after_us < t->end_us) t->awards += opt.awards;
    }
    return NULL;
}

/* ---- set up ---- */

static void connect_thread(struct thread *t, size_t i) {
    char text[256];
    t->mysql = mysql_init(NULL);
    mysql_options(t->mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (mysql_real_connect(t->mysql, NULL, "root", NULL, opt.database, 0, opt.socket, CLIENT_FOUND_ROWS) == NULL) {
        fail("connect", mysql_error(t->mysql));
    }
    const char *session[] = {commands[CMD_SESSION_LEVEL].text,
                             "SET SESSION innodb_lock_wait_timeout = 5, optimizer_switch = 'index_merge=off'"};
    for (size_t k = 0; k < COUNT(session); k++) {
        if (!command(t, session[k])) fail("session", mysql_error(t->mysql));
    }
    t->lane = LANE_FIRST + i;
    t->random = ((uint64_t)clock_monotonic_us() + i) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    memset(t->owner, 'o', sizeof t->owner);
    snprintf(text, sizeof text, "INSERT INTO lane VALUES (%d, REPEAT('o', 16), 0, 0, 0) ON DUPLICATE KEY UPDATE lease_until = 0",
             (int)t->lane);
    if (!command(t, text)) fail("lane", mysql_error(t->mysql));
    snprintf(text, sizeof text, "SELECT n FROM lane WHERE lane = %d", (int)t->lane);
    if (!command(t, text)) fail("lane", mysql_error(t->mysql));
    MYSQL_RES *result = mysql_store_result(t->mysql);
    t->n = strtoull(mysql_fetch_row(result)[0], NULL, 10) + 1000; /* beyond what a former run left unfinished */
    mysql_free_result(result);
    for (size_t k = 0; k < STATEMENTS; k++) prepare(t, k);
    set_bytes(&t->prepared[FRONT].in[0], opt.key, strlen(opt.key));
    if (!execute(t, FRONT) || !fetch(t, FRONT)) fail("key", "there is no such key");
    t->tenant = (uint64_t)t->prepared[FRONT].out[1].number;
    drain(t, FRONT, 0);
}

static int64_t number_of(const char *text, int64_t low, int64_t high) {
    int64_t n;
    if (!str_to_i64(str_of(text), low, high, &n)) fail("no such number", text);
    return n;
}

static void read_options(int argc, char **argv) {
    static const struct option known[] = {
        {"socket", required_argument, NULL, 'S'},
        {"database", required_argument, NULL, 'd'},
        {"key", required_argument, NULL, 'k'},
        {"connections", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'},
        {"awards", required_argument, NULL, 'a'},
        {"members", required_argument, NULL, 'm'},
        {"hot", required_argument, NULL, 'h'},
        {"clear", required_argument, NULL, 'l'},
        {"sealed", required_argument, NULL, 'e'},
        {NULL, 0, NULL, 0},
    };
    for (int letter; (letter = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (letter) {
        case 'S': opt.socket = optarg; break;
        case 'd': opt.database = optarg; break;
        case 'k': opt.key = optarg; break;
        case 'c': opt.connections = number_of(optarg, 1, CONNECTIONS_MAX); break;
        case 's': opt.seconds = number_of(optarg, 1, 3600); break;
        case 'a': opt.awards = number_of(optarg, 1, AWARDS_MAX); break;
        case 'm': opt.members = number_of(optarg, 1, 1000000000); break;
        case 'h': opt.hot = number_of(optarg, 16, 2048); break;
        case 'l': opt.clear = number_of(optarg, 1, BYTES_MAX); break;
        case 'e': opt.sealed = number_of(optarg, 1, BYTES_MAX); break;
        default: exit(2);
        }
    }
    if (opt.socket == NULL || opt.database == NULL || opt.key == NULL || opt.hot == 0 || opt.clear == 0 || opt.sealed == 0 ||
        opt.members < opt.awards) {
        fail("options", "see the head of tests/bench/floor_sql.c");
    }
}

static int by_size(const void *x, const void *y) {
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return a < b ? -1 : a > b;
}

int main(int argc, char **argv) {
    static struct thread threads[CONNECTIONS_MAX], all;
    struct rusage usage;
    read_options(argc, argv);
    for (int64_t i = 0; i < opt.connections; i++) connect_thread(&threads[i], (size_t)i);
    int64_t began_us = clock_monotonic_us();
    for (int64_t i = 0; i < opt.connections; i++) {
        threads[i].end_us = began_us + opt.seconds * 1000000;
        if (pthread_create(&threads[i].id, NULL, work, &threads[i]) != 0) fail("thread", "cannot be made");
    }
    for (int64_t i = 0; i < opt.connections; i++) {
        struct thread *t = &threads[i];
        pthread_join(t->id, NULL);
        all.awards += t->awards;
        all.retries += t->retries;
        all.errors += t->errors;
        for (size_t k = 0; k < t->latencies.n; k++) note_latency(&all, t->latencies.items[k]);
    }
    getrusage(RUSAGE_SELF, &usage);
    if (all.latencies.n > 0) qsort(all.latencies.items, all.latencies.n, sizeof *all.latencies.items, by_size);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"awards\":%lld,\"rate\":%.1f,\"p50_us\":%u,\"p99_us\":%u,\"retries\":%lld,\"errors\":%lld,\"core\":%.3f}\n",
           (long long)all.awards, (double)all.awards / (double)opt.seconds,
           all.latencies.n > 0 ? all.latencies.items[all.latencies.n / 2] : 0,
           all.latencies.n > 0 ? all.latencies.items[all.latencies.n * 99 / 100] : 0, (long long)all.retries, (long long)all.errors,
           cpu / (double)opt.seconds);
    return 0;
}
