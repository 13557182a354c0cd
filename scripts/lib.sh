# shellcheck shell=bash
# shellcheck disable=SC2034  # ROOT is for those who source this
# scripts/lib.sh: what the scripts share. Sourced, never run.
set -euo pipefail
export LC_ALL=C.UTF-8
PATH=$PATH:/usr/sbin:/sbin # where a normal user's shell does not look

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)

say() { printf "%s\n" "$@"; }
warn() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
    warn "$@"
    exit 1
}

# The comment at the head of a script is its help.
usage() { sed -n '2,/^[^#]/ { /^#/!d; /^# shellcheck /d; s/^#$//; s/^# //; p }' "$0"; }
if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
    usage
    exit
fi

# needs_value OPTION VALUE…: refuses an option that stands at the end.
needs_value() { [ $# -ge 2 ] || die "$1 needs a value (--help)"; }

# in_range VALUE HIGHEST: a whole number from 1.
in_range() { [[ $1 =~ ^[1-9][0-9]{0,8}$ ]] && (($1 <= $2)); }

# setting FILE NAME: the value of a `name = value` line of a settings file, empty where there is none.
setting() { sed -n "s/^[[:space:]]*$2[[:space:]]*=[[:space:]]*//p" "$1" | tail -n 1; }

# wait_until SECONDS COMMAND…: tries every 0.1 s.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || return 1
        sleep 0.1
    done
}

jobs_of_make() { nproc 2>/dev/null || echo 2; }
