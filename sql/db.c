#include "sql/db.h"

#include <assert.h>
#include <mysql.h>
#include <ma_pvio.h>
#include <mysqld_error.h>
#include <errmsg.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/trap.h"
#include "sql/db_part.h"

enum {
    CONNECT_TIMEOUT_S = 1,
    CONNECT_PATIENT_S = 5, /* of who is in no hurry */
    REQUEST_TIMEOUT_MS = 4000,
    LOCK_WAIT_OF_MYSQL_MS = 2300, /* it looks once a second whose second is over */
    SOON_US = 50 * 1000,          /* a time-out may be over a little early */
    IDLE_TIMEOUT_S = 10,
    FORMS = GROUP_EXACT_MAX + 3, /* prepared forms of a statement: groups of 1 … 16, 32, 64, 100 */
    STATEMENT_BYTES_MAX = 64 * 1024,
    ER_IDLE_TIMEOUT_OF_MYSQL = 4031, /* MySQL 8.0.24 says why before it closes */
    ER_LOCK_NOWAIT_OF_MYSQL = 3572,
    ER_WSREP_NOT_READY = 1047, /* ER_UNKNOWN_COM_ERROR as Galera uses it */
};

/* The binds point straight into cells. */
static_assert(sizeof(unsigned long) == sizeof(size_t) && sizeof(my_bool) == sizeof(bool), "a cell serves as a bind");

struct db {
    PVIO_METHODS methods; /* of the connection: the library's own, but for reading */
    PVIO_METHODS *library;
    struct db_address address;
    MYSQL *mysql; /* NULL: not connected */
    MYSQL_STMT *prepared[STMT__MAX][FORMS];
    bool in_transaction;
    enum db_result failed; /* what ended the transaction; DB_OK: nothing */
    uint64_t generation, last_id;
    struct db_tally tally;
    MYSQL_BIND *binds; /* kept between calls */
    size_t n_binds;
    struct db_gate gate;
    struct greeting greeting;
    int64_t asked_us; /* when the last question was sent */
    bool was_late;    /* its answer, and somebody looked why */
    bool looked;      /* while this connection was open */
};

const char *db_result_name(enum db_result r) {
    static const char *const NAMES[] = {"ok", "not-found", "conflict", "retry", "busy", "gone", "unknown", "fatal"};
    MUST((size_t)r < COUNT(NAMES));
    return NAMES[r];
}

static char *copy_z(const char *z) {
    if (!z) return NULL;
    char *copy = strdup(z);
    if (!copy) NEVER("no memory left");
    return copy;
}

struct db *db_open(const struct db_address *address) {
    struct db *db = calloc(1, sizeof *db);
    if (!db) NEVER("no memory left");
    db->address = (struct db_address){
        .socket = copy_z(address->socket),
        .host = copy_z(address->host),
        .name = copy_z(address->name),
        .user = copy_z(address->user),
        .password = copy_z(address->password),
        .port = address->port,
        .read_timeout_ms = address->read_timeout_ms ? address->read_timeout_ms : REQUEST_TIMEOUT_MS,
        .idle_timeout_s = address->idle_timeout_s ? address->idle_timeout_s : IDLE_TIMEOUT_S,
    };
    return db;
}

void db_set_gate(struct db *db, struct db_gate gate) { db->gate = gate; }

static void free_text(const char *z) { free((void *)(uintptr_t)z); }

void db_close(struct db **db) {
    if (!*db) return;
    db_drop(*db);
    greeting_end(&(*db)->greeting);
    struct db_address *address = &(*db)->address;
    free_text(address->socket);
    free_text(address->host);
    free_text(address->name);
    free_text(address->user);
    free_text(address->password);
    free((*db)->binds);
    free(*db);
    *db = NULL;
}

/* The connection goes first: statements then have nobody to say goodbye to. */
void db_drop(struct db *db) {
    if (!db->mysql) return;
    mysql_close(db->mysql);
    db->mysql = NULL;
    for (size_t s = 0; s < STMT__MAX; s++) {
        for (size_t f = 0; f < FORMS; f++) {
            if (db->prepared[s][f]) mysql_stmt_close(db->prepared[s][f]);
            db->prepared[s][f] = NULL;
        }
    }
    if (db->in_transaction && !db->failed) db->failed = DB_GONE;
}

uint64_t db_generation(const struct db *db) { return db->generation; }
bool db_in_transaction(const struct db *db) { return db->in_transaction; }
const struct db_tally *db_tally(const struct db *db) { return &db->tally; }
uint64_t db_last_id(const struct db *db) { return db->last_id; }

/* ---- errors ---- */

/* Nothing is wrong with what was asked for: it can be done when there is room. */
static bool is_full(unsigned error) { return error == ER_RECORD_FILE_FULL || error == ER_DISK_FULL || error == ER_ERROR_ON_WRITE; }

static enum db_result classify(unsigned error) {
    if (is_full(error)) return DB_GONE;
    switch (error) {
    case ER_LOCK_DEADLOCK:
    case ER_CHECKREAD: return DB_RETRY;
    case ER_LOCK_NOWAIT_OF_MYSQL:
    case ER_LOCK_WAIT_TIMEOUT: return DB_BUSY;
    case ER_DUP_ENTRY:
    case ER_DUP_ENTRY_WITH_KEY_NAME:
    case ER_SAME_NAME_PARTITION:
    case ER_RANGE_NOT_INCREASING_ERROR: return DB_CONFLICT;
    case ER_PARTITION_DOES_NOT_EXIST: return DB_NOT_FOUND;
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
    case CR_SERVER_LOST_EXTENDED:
    case CR_ERR_NET_READ:
    case CR_ERR_NET_WRITE:
    case ER_NORMAL_SHUTDOWN:
    case ER_SERVER_SHUTDOWN:
    case ER_CONNECTION_KILLED:
    case ER_IDLE_TIMEOUT_OF_MYSQL:
    case ER_WSREP_NOT_READY:
    case ER_MAX_PREPARED_STMT_COUNT_REACHED: /* a shortage of the server's; a new connection starts with none */
    case ER_OPTION_PREVENTS_STATEMENT:       /* read-only: a new connection may find the primary */
    case ER_READ_ONLY_MODE: return DB_GONE;
    default: return DB_FATAL;
    }
}

static void asked(struct db *db) {
    db->asked_us = clock_monotonic_us();
    db->was_late = false;
}

/* How much longer an answer that is late is waited for before somebody looks again, in ms; 0: it is given up. */
static int patience(struct db *db) {
    if (!db->gate.late) return 0;
    db->was_late = db->looked = true;
    int64_t until_us = db->gate.late(db->gate.ctx), last_us = db->asked_us + REQUEST_TIMEOUT_MS * 1000;
    int64_t left_ms = ((until_us < last_us ? until_us : last_us) - clock_monotonic_us()) / 1000;
    return left_ms <= 0 ? 0 : left_ms < db->address.read_timeout_ms ? (int)left_ms : db->address.read_timeout_ms;
}

/* Where nothing is left to wait for. */
static void check_time(struct db *db, int64_t timeout_ms) {
    if (!db->was_late && clock_monotonic_us() - db->asked_us >= timeout_ms * 1000 - SOON_US) patience(db);
}

/* The library's reading, which ends with a time-out where somebody else may have a lock for longer, or the disk is slow. */
static ssize_t read_patiently(MARIADB_PVIO *pvio, uchar *buffer, size_t length) {
    struct db *db = (struct db *)(void *)((char *)pvio->methods - offsetof(struct db, methods));
    ssize_t n = db->library->read(pvio, buffer, length);
    while (n < 0 && errno == ETIMEDOUT && (pvio->timeout[PVIO_READ_TIMEOUT] = patience(db)) > 0)
        n = db->library->read(pvio, buffer, length);
    pvio->timeout[PVIO_READ_TIMEOUT] = db->address.read_timeout_ms;
    return n;
}

/* `what` is the name of a statement or command. Values are in no line. */
static enum db_result failure(struct db *db, const char *what, unsigned error) {
    enum db_result r = classify(error);
    if (is_full(error)) {
        log_line(LOG_ERROR, "database", "what=\"the server's disk is full\" statement=%s errno=%u", what, error);
        db_drop(db);
    } else if (r == DB_GONE) {
        log_line(LOG_WARN, "database", "what=\"connection lost\" statement=%s errno=%u", what, error);
        check_time(db, db->address.read_timeout_ms);
        db_drop(db);
    } else if (r == DB_FATAL) {
        log_line(LOG_ERROR, "database", "what=\"statement failed\" statement=%s errno=%u", what, error);
    }
    if (db->in_transaction && r != DB_CONFLICT) db->failed = r;
    return r;
}

/* ---- connection ---- */

/* A command's text with each # replaced by the next number: the only way in which a value gets into SQL text. */
static void command_text(enum command id, const uint32_t *numbers, size_t n, char *out, size_t size) {
    size_t at = 0, used = 0;
    for (const char *p = commands[id].text; *p; p++) {
        int wrote;
        if (*p == '#') {
            MUST(used < n);
            wrote = snprintf(out + at, size - at, "%u", numbers[used++]);
        } else {
            wrote = snprintf(out + at, size - at, "%c", *p);
        }
        at += (size_t)wrote;
        MUST(at < size);
    }
    MUST(used == n);
}

static unsigned connect_timeout_s(const struct db_address *address) {
    return address->read_timeout_ms > REQUEST_TIMEOUT_MS ? CONNECT_PATIENT_S : CONNECT_TIMEOUT_S;
}

static void set_options(MYSQL *mysql, const struct db_address *address) {
    unsigned connect = connect_timeout_s(address), transfer = ((unsigned)address->read_timeout_ms + 999) / 1000, off = 0;
    my_bool no = 0, yes = 1;
    char session[512];
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &transfer);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &transfer);
    mysql_options(mysql, MYSQL_OPT_RECONNECT, &no);
    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
    mysql_options(mysql, MYSQL_REPORT_DATA_TRUNCATION, &yes);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(mysql, MYSQL_INIT_COMMAND, commands[CMD_SESSION_LEVEL].text);
    command_text(CMD_SESSION, &(uint32_t){(uint32_t)address->idle_timeout_s}, 1, session, sizeof session);
    mysql_options(mysql, MYSQL_INIT_COMMAND, session);
}

/* The library knows whole seconds only. What waits for one lock gets its answer after innodb_lock_wait_timeout = 1 s. */
static void set_reading(struct db *db, MYSQL *mysql) {
    struct db_address *address = &db->address;
    MARIADB_PVIO *pvio = mysql->net.pvio;
    if (!mariadb_connection(mysql) && address->read_timeout_ms < LOCK_WAIT_OF_MYSQL_MS) address->read_timeout_ms = LOCK_WAIT_OF_MYSQL_MS;
    pvio->timeout[PVIO_READ_TIMEOUT] = address->read_timeout_ms;
    db->library = pvio->methods;
    db->methods = *pvio->methods;
    db->methods.read = read_patiently;
    pvio->methods = &db->methods;
}

static enum db_result connect_anew(struct db *db) {
    const struct db_address *address = &db->address;
    bool local = address->socket && *address->socket;
    unsigned protocol = local ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    MYSQL *mysql = mysql_init(NULL);
    if (!mysql) NEVER("no memory left");
    set_options(mysql, address);
    mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    asked(db);
    if (!mysql_real_connect(mysql, local ? NULL : address->host, address->user, address->password, address->name, local ? 0 : address->port,
                            local ? address->socket : NULL, CLIENT_FOUND_ROWS)) {
        log_line(LOG_WARN, "database", "what=\"cannot connect\" errno=%u", mysql_errno(mysql));
        check_time(db, (int64_t)connect_timeout_s(address) * 1000);
        mysql_close(mysql);
        return DB_GONE;
    }
    set_reading(db, mysql);
    db->mysql = mysql;
    db->looked = false;
    db->generation++;
    db->tally.connections++;
    return DB_OK;
}

/* Between statements the server says nothing: whatever can be read is its farewell or the end of the stream. */
static bool looks_lost(struct db *db) {
    struct pollfd p = {.fd = (int)mysql_get_socket(db->mysql), .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* A look leaves a connection without a login behind, which the server counts (max_connect_errors) until the next login: that follows. */
enum db_result db_connect(struct db *db) {
    if (db->in_transaction) return db->failed;
    if (db->gate.shut && db->gate.shut(db->gate.ctx)) return DB_GONE;
    if (db->mysql && (db->looked || looks_lost(db))) db_drop(db);
    return db->mysql ? DB_OK : connect_anew(db);
}

bool db_greets(struct db *db) { return greeting_look(&db->greeting, &db->address, clock_monotonic_us()); }
void db_look_anew(struct db *db) { greeting_end(&db->greeting); }

enum db_result db_ping(struct db *db) {
    enum db_result r = db_connect(db);
    if (r) return r;
    asked(db);
    return mysql_ping(db->mysql) ? failure(db, "ping", mysql_errno(db->mysql)) : DB_OK;
}

/* ---- transactions ---- */

static enum db_result counted(struct db *db, enum db_result r) {
    db->tally.results[r]++;
    return r;
}

static unsigned send_command(struct db *db, enum command id) {
    const char *text = commands[id].text;
    asked(db);
    return mysql_real_query(db->mysql, text, strlen(text)) ? mysql_errno(db->mysql) : 0;
}

static enum db_result begin_with(struct db *db, enum command first, enum command second) {
    MUST(!db->in_transaction);
    enum db_result r = DB_GONE;
    for (int i = 0; i < 2 && r == DB_GONE; i++) { /* nothing is lost with a connection that fails at BEGIN */
        if ((r = db_connect(db))) return r;
        unsigned error = send_command(db, first);
        if (!error && second != CMD__MAX) error = send_command(db, second);
        if (error) r = failure(db, commands[first].name, error);
    }
    db->in_transaction = r == DB_OK;
    db->failed = DB_OK;
    return r;
}

enum db_result db_begin(struct db *db) { return begin_with(db, CMD_BEGIN, CMD__MAX); }
enum db_result db_begin_snapshot(struct db *db) { return begin_with(db, CMD_SNAPSHOT_LEVEL, CMD_SNAPSHOT_BEGIN); }

/* Where a test has planted an end within COMMIT (base/trap.h), the server gets the command and we fall before its answer. */
static unsigned send_commit(struct db *db) {
    const char *text = commands[CMD_COMMIT].text;
    trap("before-commit");
    int signal = trap_take("in-commit");
    if (signal == 0) return send_command(db, CMD_COMMIT);
    if (mysql_send_query(db->mysql, text, strlen(text))) return mysql_errno(db->mysql);
    raise(signal);
    return mysql_read_query_result(db->mysql) ? mysql_errno(db->mysql) : 0;
}

/* Whatever the server does not answer clearly may have been committed. */
static enum db_result commit(struct db *db) {
    unsigned error = send_commit(db);
    db->in_transaction = false;
    if (!error) {
        trap("after-commit");
        return DB_OK;
    }
    enum db_result r = failure(db, commands[CMD_COMMIT].name, error);
    if (r == DB_RETRY) return r;
    db_drop(db);
    return DB_UNKNOWN;
}

enum db_result db_commit(struct db *db) {
    MUST(db->in_transaction);
    if (db->failed) return db->failed;
    return counted(db, commit(db));
}

void db_rollback(struct db *db) {
    if (!db->in_transaction) return;
    db->in_transaction = false;
    db->failed = DB_OK;
    if (db->mysql && send_command(db, CMD_ROLLBACK)) db_drop(db);
}

enum db_result db_alter(struct db *db, enum command id, const uint32_t *numbers, size_t n) {
    char text[512];
    MUST(!db->in_transaction);
    enum db_result r = db_connect(db);
    if (r) return r;
    command_text(id, numbers, n, text, sizeof text);
    if (!mysql_real_query(db->mysql, text, strlen(text))) return DB_OK;
    r = failure(db, commands[id].name, mysql_errno(db->mysql));
    return r == DB_GONE ? DB_UNKNOWN : r;
}

/* ---- prepared statements ---- */

static size_t form_of(size_t rows) {
    if (rows <= GROUP_EXACT_MAX) return rows - 1;
    MUST(rows == 32 || rows == 64 || rows == GROUP_ROWS_MAX);
    return rows == 32 ? GROUP_EXACT_MAX : rows == 64 ? GROUP_EXACT_MAX + 1 : GROUP_EXACT_MAX + 2;
}

/* The text with its group repeated. */
static struct str expanded(struct arena *a, const char *text, size_t rows) {
    const char *open = strchr(text, '{'), *close = strchr(text, '}');
    if (!open) return str_of(text);
    struct buf b = buf_new(a, STATEMENT_BYTES_MAX);
    buf_bytes(&b, text, (size_t)(open - text));
    for (size_t i = 0; i < rows; i++) {
        if (i) buf_z(&b, ", ");
        buf_bytes(&b, open + 1, (size_t)(close - open - 1));
    }
    buf_z(&b, close + 1);
    MUST(buf_ok(&b));
    return buf_str(&b);
}

static enum db_result prepared(struct db *db, struct arena *a, const struct statement *def, size_t rows, MYSQL_STMT **out) {
    MYSQL_STMT **slot = &db->prepared[def - statements][form_of(rows)];
    if (!*slot) {
        struct str text = expanded(a, def->text, rows);
        asked(db);
        MYSQL_STMT *statement = mysql_stmt_init(db->mysql);
        if (!statement) NEVER("no memory left");
        if (mysql_stmt_prepare(statement, text.p, text.n)) {
            unsigned error = mysql_stmt_errno(statement);
            mysql_stmt_close(statement);
            return failure(db, def->name, error);
        }
        *slot = statement;
    }
    *out = *slot;
    return DB_OK;
}

/* Lengths are always given: a string bound without one is sent empty. Integers are always 64 bits. */
static MYSQL_BIND bind_of(const struct cell *cell) {
    struct cell *c = (struct cell *)(uintptr_t)cell; /* the library's binds know no const; parameters are only read */
    bool text = c->letter == 's', bytes = text || c->letter == 'b';
    MYSQL_BIND b;
    memset(&b, 0, sizeof b);
    b.is_null = (my_bool *)&c->null;
    if (bytes) {
        b.buffer_type = text ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
        b.buffer = (void *)(uintptr_t)c->s.p;
        b.buffer_length = c->s.n;
        b.length = (unsigned long *)&c->s.n;
    } else {
        b.buffer_type = MYSQL_TYPE_LONGLONG;
        b.buffer = &c->i;
        b.is_unsigned = c->letter != 'i';
    }
    return b;
}

static MYSQL_BIND *binds(struct db *db, size_t n) {
    if (n > db->n_binds) {
        db->binds = reallocarray(db->binds, n, sizeof *db->binds);
        if (!db->binds) NEVER("no memory left");
        db->n_binds = n;
    }
    return db->binds;
}

struct column { /* where the library puts a row's value */
    int64_t number;
    unsigned long length;
    my_bool null, cut;
};

/* Bytes are bound with no room, so that the library only tells their length, and are then taken at that length. */
static bool bind_columns(struct db *db, MYSQL_STMT *statement, const char *letters, struct column *columns, size_t n) {
    MYSQL_BIND *b = binds(db, n);
    memset(b, 0, n * sizeof *b);
    for (size_t i = 0; i < n; i++) {
        bool bytes = letters[i] == 'b' || letters[i] == 's';
        b[i].buffer_type = bytes ? MYSQL_TYPE_BLOB : MYSQL_TYPE_LONGLONG;
        b[i].buffer = &columns[i].number;
        b[i].buffer_length = bytes ? 0 : sizeof columns[i].number;
        b[i].is_unsigned = letters[i] != 'i';
        b[i].length = &columns[i].length;
        b[i].is_null = &columns[i].null;
        b[i].error = &columns[i].cut;
    }
    return mysql_stmt_bind_result(statement, b) == 0;
}

static bool take_column(MYSQL_STMT *statement, struct arena *a, size_t i, struct column *column, struct cell *cell) {
    cell->null = column->null;
    if (cell->letter != 'b' && cell->letter != 's') {
        cell->i = column->number;
        return !column->null && !column->cut;
    }
    if (column->null) return true;
    unsigned long length = 0;
    my_bool cut = 0;
    char *bytes = arena_alloc(a, column->length + 1);
    MYSQL_BIND b;
    memset(&b, 0, sizeof b);
    b.buffer_type = MYSQL_TYPE_BLOB;
    b.buffer = bytes;
    b.buffer_length = column->length;
    b.length = &length;
    b.error = &cut;
    if (column->length && mysql_stmt_fetch_column(statement, &b, (unsigned)i, 0)) return false;
    cell->s = (struct str){bytes, column->length};
    return !cut && length == column->length;
}

/* Truncation is what bytes without room are expected to report; that of a number is an error. */
static enum db_result read_rows(struct db *db, struct arena *a, const struct statement *def, MYSQL_STMT *statement,
                                struct call_result *out) {
    size_t n = strlen(def->out);
    struct column *columns = NEW_ARRAY(a, struct column, n);
    if (!bind_columns(db, statement, def->out, columns, n) || mysql_stmt_store_result(statement))
        return failure(db, def->name, mysql_stmt_errno(statement));
    for (;;) {
        int fetched = mysql_stmt_fetch(statement);
        if (fetched == MYSQL_NO_DATA) return DB_OK;
        if (fetched && fetched != MYSQL_DATA_TRUNCATED) return failure(db, def->name, mysql_stmt_errno(statement));
        for (size_t i = 0; i < n; i++) {
            struct cell *cell = LIST_PUSH(a, &out->cells);
            cell->letter = def->out[i];
            if (!take_column(statement, a, i, &columns[i], cell)) return failure(db, def->name, CR_INVALID_BUFFER_USE);
        }
        out->rows++;
    }
}

static enum db_result execute(struct db *db, struct arena *a, const struct statement *def, size_t group_rows, const struct cell *args,
                              size_t n_args, struct call_result *out, uint64_t *affected) {
    MYSQL_STMT *statement;
    enum db_result r = db_connect(db);
    if (!r) r = prepared(db, a, def, group_rows, &statement);
    if (r) return r;
    if (mysql_stmt_param_count(statement) != n_args || mysql_stmt_field_count(statement) != strlen(def->out))
        return failure(db, def->name, CR_INVALID_PARAMETER_NO);
    MYSQL_BIND *b = binds(db, n_args);
    for (size_t i = 0; i < n_args; i++) b[i] = bind_of(&args[i]);
    asked(db);
    if ((n_args && mysql_stmt_bind_param(statement, b)) || mysql_stmt_execute(statement)) {
        r = failure(db, def->name, mysql_stmt_errno(statement));
        bool may_be_done = r == DB_GONE && !db->in_transaction && def->class != CLASS_READ;
        return may_be_done ? DB_UNKNOWN : r;
    }
    if (*def->out) {
        r = read_rows(db, a, def, statement, out);
        if (r != DB_GONE) mysql_stmt_free_result(statement);
        return r;
    }
    *affected += mysql_stmt_affected_rows(statement);
    db->last_id = mysql_stmt_insert_id(statement);
    return DB_OK;
}

enum db_result db_execute(struct db *db, struct arena *a, const struct statement *def, size_t group_rows, const struct cell *args,
                          size_t n_args, struct call_result *out, uint64_t *affected) {
    return counted(db, execute(db, a, def, group_rows, args, n_args, out, affected));
}

static struct str mismatch(struct arena *a, const struct statement *def, MYSQL_STMT *statement) {
    size_t params = 0;
    for (const char *p = def->in; *p; p++) params += *p != '(' && *p != ')';
    if (mysql_stmt_param_count(statement) != params) return str_printf(a, "%s: the text has other parameters than the letters", def->name);
    if (mysql_stmt_field_count(statement) != strlen(def->out))
        return str_printf(a, "%s: the text has other columns than the letters", def->name);
    return STR("");
}

enum db_result db_verify_catalogue(struct db *db, struct arena *a, struct str *error) {
    *error = STR("");
    enum db_result r = db_connect(db);
    if (r) return r;
    for (size_t i = 0; i < STMT__MAX; i++) {
        MYSQL_STMT *statement;
        if ((r = prepared(db, a, &statements[i], 1, &statement))) {
            *error = str_printf(a, "%s: cannot be prepared (%s)", statements[i].name, db_result_name(r));
            return r;
        }
        *error = mismatch(a, &statements[i], statement);
        if (error->n) return DB_FATAL;
    }
    return DB_OK;
}
