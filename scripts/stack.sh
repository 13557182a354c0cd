# shellcheck shell=bash
# shellcheck disable=SC2034  # SERVICES is for those who source this
# scripts/stack.sh: the four services of a development stack: database, memcached, pool, nginx. Sourced by scripts/run, which sets
# DIR, BUILD, WORKERS, PORT, OVERRIDES and TEST_SERVER.

SERVICES=(database memcached pool nginx) # in the order of starting
DB_SOCKET=$DIR/database/mysqld.sock
CONF=$DIR/accolade.conf
# shellcheck source=server.sh
. "$ROOT/scripts/server.sh"
choose_server "$(cat "$DIR/database/server" 2>/dev/null || printf %s "$TEST_SERVER")" # data stay with the server that made them

database() { mariadb --no-defaults --socket="$DB_SOCKET" --user=root --batch --skip-column-names "$@"; }

# program_of SERVICE, and how it is asked to end: signal and seconds.
program_of() {
    case $1 in
    database) echo "$SERVER_PROGRAM" ;;
    memcached) echo memcached ;;
    pool) echo accolade-fcgi ;;
    nginx) echo nginx ;;
    esac
}
end_service() {
    case $1 in
    database) end "$1" "$SERVER_PROGRAM" TERM 60 ;;
    memcached) end "$1" memcached TERM 5 ;;
    pool) end "$1" accolade-fcgi TERM 20 ;;
    nginx) end "$1" nginx QUIT 12 ;;
    esac
}

# Whether a service answers, not only lives.
answers() {
    case $1 in
    database) timeout -s KILL 5 mariadb-admin --no-defaults --socket="$DB_SOCKET" --user=root --silent ping ;;
    memcached) [ -S "$DIR/memcached.sock" ] && curl -s -m 2 --unix-socket "$DIR/memcached.sock" telnet://localhost <<<$'version\r\nquit\r' | grep -q ^VERSION ;;
    pool) [ -S "$DIR/events.sock" ] && [ -S "$DIR/bulk.sock" ] && [ -S "$DIR/api.sock" ] ;;
    nginx) curl -sf -m 5 --unix-socket "$DIR/admin.sock" http://localhost/healthz && curl -s -m 5 "http://127.0.0.1:$PORT/" ;;
    esac >/dev/null 2>&1
}

# readiness: says "up" when /readyz does, else what it says, and fails.
readiness() {
    local answer
    answer=$(curl -s -m 5 --unix-socket "$DIR/admin.sock" http://localhost/readyz) || answer=''
    case $answer in
    *'"status":"ready"'*) echo up && return ;;
    *'"checks"'*) jq -r '.checks | to_entries | map("\(.key) \(.value)") | join(", ")' <<<"$answer" ;;
    *) echo "not answering" ;;
    esac
    return 1
}

# replaced SERVICE: the program file was built or installed anew since the process started.
replaced() { [[ $(readlink "/proc/$(pid_of "$1")/exe") == *' (deleted)' ]]; }

# write_if_changed FILE: standard input becomes the file; succeeds if that changed it.
write_if_changed() {
    cat >"$1.new"
    if cmp -s "$1.new" "$1"; then
        rm "$1.new"
        return 1
    fi
    mv "$1.new" "$1"
}

my_cnf() {
    cat <<EOT
# Made by scripts/run. A private server: its socket only, in a folder that nobody else enters, so no passwords.
[mysqld]
datadir = $DIR/database/data
tmpdir = $DIR/database/tmp
socket = $DB_SOCKET
pid-file = $DIR/database/$SERVER_PROGRAM.pid
skip-networking
skip-name-resolve
skip-log-bin
character-set-server = utf8mb4
collation-server = utf8mb4_bin
transaction-isolation = READ-COMMITTED
innodb_flush_log_at_trx_commit = 1
innodb_buffer_pool_size = 256M
max_connections = 200
performance_schema = OFF
secure-file-priv = $DIR/database/tmp
${DATABASE_OPTIONS:-}
EOT
}

# What --set names stands in the place of what is written here.
accolade_conf() { accolade_conf_lines | awk -F ' = ' '!/^#/ { last[$1] = NR } { line[NR] = $0; name[NR] = $1 } END {
    for (i = 1; i <= NR; i++) if (line[i] ~ /^#/ || last[name[i]] == i) print line[i] }'; }

accolade_conf_lines() {
    cat <<EOT
# Made by scripts/run (accolade.conf(5)). Other values: scripts/run --set NAME=VALUE.
db_socket = $DB_SOCKET
db_name = accolade
db_user = accolade
memcached = $DIR/memcached.sock
installation_key_file = $DIR/installation.key
events_socket = $DIR/events.sock
bulk_socket = $DIR/bulk.sock
api_socket = $DIR/api.sock
page_file = $DIR/page
events_workers = $WORKERS
bulk_workers = 1
api_workers = $(((WORKERS + 1) / 2))
presets_dir = $ROOT/presets
env = demo
EOT
    if [ "$BUILD" != release ]; then printf 'clock_file = %s\ntrap_dir = %s\n' "$DIR/clock" "$DIR/traps"; fi
    local line
    for line in "${OVERRIDES[@]}"; do printf '%s = %s\n' "${line%%=*}" "${line#*=}"; done
}

nginx_conf() {
    local user=''
    [ "$(id -u)" -ne 0 ] || user='user root; '
    sed -e "s|@DIR@|$DIR|g; s|@PORT@|$PORT|g; s|@USER@|$user|" "$ROOT/nginx/nginx.dev.conf.in"
}

start_database() {
    (umask 077 && mkdir -p "$DIR/database/tmp")
    if [ ! -e "$DIR/database/data/.complete" ]; then
        say "making the database"
        rm -rf "$DIR/database/data"
        (cd "$DIR/database" && TMPDIR=$DIR/database/tmp make_data ./data >"$DIR/log/install-db.log" 2>&1 9>&-) || die "no database: $DIR/log/install-db.log"
        printf %s "$SERVER_ROOT" >"$DIR/database/server"
        touch "$DIR/database/data/.complete"
    fi
    rm -f "$DB_SOCKET" "$DB_SOCKET.lock" # MySQL's lock holds a process id, which another program may have by now
    start database "${SERVER[@]}" "$SERVER_PROGRAM" --defaults-file="$DIR/my.cnf" "${SERVER_OPTIONS[@]}"
    started database 120 answers database
    database -e "CREATE DATABASE IF NOT EXISTS accolade CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
        CREATE USER IF NOT EXISTS accolade@localhost;
        GRANT ALL ON accolade.* TO accolade@localhost;
        GRANT ALL ON accolade_sqitch.* TO accolade@localhost"
}

start_memcached() {
    local user=()
    [ "$(id -u)" -ne 0 ] || user=(-u root)
    rm -f "$DIR/memcached.sock"
    start memcached memcached "${user[@]}" -s "$DIR/memcached.sock" -a 0660 -m 64
    started memcached 10 answers memcached
}

start_pool() {
    rm -f "$DIR/events.sock" "$DIR/bulk.sock" "$DIR/api.sock"
    start pool "$ROOT/build/$BUILD/accolade-fcgi" -c "$CONF"
    started pool 20 answers pool
}

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; }

start_nginx() {
    rm -f "$DIR/admin.sock"
    if port_answers; then die "port $PORT is taken by another program: give another --port"; fi
    start nginx nginx -p "$DIR/nginx/" -e "$DIR/log/nginx-error.log" -c "$DIR/nginx/nginx.conf"
    started nginx 15 answers nginx
}

# mend SERVICE CHANGED: leaves alone what runs well, and starts anew what died, hangs, or has another configuration or program.
mend() {
    local orphaned
    orphaned=$(orphans "$1" "$(program_of "$1")")
    if pid_of "$1" >/dev/null && [ "$2" = no ] && [ -z "$orphaned" ] && ! replaced "$1" && answers "$1"; then return; fi
    end_service "$1"
    say "starting $1"
    "start_$1"
}
