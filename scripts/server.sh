# shellcheck shell=bash
# shellcheck disable=SC2034  # SERVER and SERVER_OPTIONS are for those who source this
# scripts/server.sh: the database server of a stack. Sourced by scripts/stack.sh and tests/sql/server.
#
# The system's MariaDB; or, for tests, the one of another system, MariaDB or MySQL: choose_server takes its root folder. Such a server runs in
# a mount namespace of its own, with that folder's /usr over ours: its programs and libraries, but our files, at the same paths for both.

# choose_server FOLDER: sets SERVER_ROOT, that folder or nothing; SERVER_PROGRAM; SERVER, the words that run a command where the program is;
# SERVER_OPTIONS, which the program needs.
choose_server() {
    SERVER_ROOT='' SERVER=() SERVER_PROGRAM=mariadbd SERVER_OPTIONS=()
    if [ -n "$1" ]; then
        SERVER_ROOT=$(realpath -- "$1")
        local namespace=(--mount)
        [ "$(id -u)" -eq 0 ] || namespace+=(--map-root-user)
        # shellcheck disable=SC2016  # for that shell to expand
        SERVER=(unshare "${namespace[@]}" sh -c 'mount --rbind "$0/usr" /usr && exec "$@"' "$SERVER_ROOT")
        [ -x "$SERVER_ROOT/usr/sbin/mariadbd" ] || SERVER_PROGRAM=mysqld
        [ -x "$SERVER_ROOT/usr/sbin/$SERVER_PROGRAM" ] || die "neither mariadbd nor mysqld is in $SERVER_ROOT/usr/sbin"
    fi
    if [ "$(id -u)" -eq 0 ] || [ -n "$1" ]; then SERVER_OPTIONS+=(--user=root); fi
    [ "$SERVER_PROGRAM" = mariadbd ] || SERVER_OPTIONS+=(--mysqlx=OFF) # it would listen beside the socket
}

# make_data FOLDER [OPTION…]: the first data of the chosen server, with a root that has no password. The folder's name must be plain, as
# mariadb-install-db does not quote its options: a relative one will do. TMPDIR should be a folder of its own: two of them at once have
# been seen to take each other's temporary tables for theirs.
make_data() {
    local options=(--no-defaults "${SERVER_OPTIONS[@]}" --datadir="$1" "${@:2}")
    if [ "$SERVER_PROGRAM" = mysqld ]; then
        "${SERVER[@]}" mysqld "${options[@]}" --initialize-insecure --secure-file-priv=NULL
    else # --force, because it asks for a host name to resolve
        "${SERVER[@]}" mariadb-install-db "${options[@]}" --auth-root-authentication-method=normal --skip-test-db --force
    fi
}
