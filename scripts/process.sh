# shellcheck shell=bash
# scripts/process.sh: background processes of one stack. Sourced by scripts/run.
#
# A process is known by its id and start time (DIR/run/NAME.pid), so that a number used again by another program is never taken
# for it. Each runs in a folder of its own, DIR/NAME: what is left of it when its master was killed is found by that folder.
# Everything is ended by process id, never by name.

start_time() { sed -n 's/^.*) //p' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# pid_of NAME: the id of the recorded process, while it lives.
pid_of() {
    local pid start
    { read -r pid start <"$DIR/run/$1.pid"; } 2>/dev/null || return 1
    [ -n "$start" ] && [ "$(start_time "$pid")" = "$start" ] && ! is_zombie "$pid" && printf '%s' "$pid"
}
is_zombie() { grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null; }
is_gone() { [ ! -d "/proc/$1" ] || is_zombie "$1"; }

# members_of NAME PROGRAM: ids of all processes of that program that run in DIR/NAME (or below), master and children alike.
members_of() {
    local pid cwd
    find /proc -maxdepth 2 -path '/proc/[0-9]*/cwd' -printf '%h %l\n' 2>/dev/null | while read -r pid cwd; do
        case $cwd/ in "$DIR/$1/"*) ;; *) continue ;; esac
        case $(readlink "$pid/exe") in */"$2" | */"$2 (deleted)") is_zombie "${pid#/proc/}" || printf '%s\n' "${pid#/proc/}" ;; esac
    done
}

# start NAME COMMAND…: fully detached; output goes to DIR/log/NAME.log.
start() {
    local name=$1 pid
    shift
    mkdir -p "$DIR/$name"
    (cd "$DIR/$name" && exec setsid "$@" </dev/null >>"$DIR/log/$name.log" 2>&1 9>&-) &
    pid=$!
    disown "$pid"
    printf '%s %s\n' "$pid" "$(start_time "$pid")" >"$DIR/run/$name.pid"
}

# started NAME SECONDS COMMAND…: waits until the command succeeds, or says why the process did not come up.
started() {
    local name=$1 end=$((SECONDS + $2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ! pid_of "$name" >/dev/null || ((SECONDS >= end)); then
            warn "$name did not start; the end of $DIR/log/$name.log:"
            tail -n 15 "$DIR/log/$name.log" >&2
            return 1
        fi
        sleep 0.05
    done
}

end_pid() { # PID SIGNAL SECONDS: waits, then kills
    kill "-$2" "$1" 2>/dev/null || return 0
    kill -CONT "$1" 2>/dev/null || true # one that was stopped takes no signal
    wait_until "$3" is_gone "$1" || kill -KILL "$1" 2>/dev/null || true
    wait_until 5 is_gone "$1" || warn "process $1 does not end"
}

# end NAME PROGRAM SIGNAL SECONDS: the master in good order, then whatever is left.
end() {
    local pid
    if pid=$(pid_of "$1"); then end_pid "$pid" "$3" "$4"; fi
    for pid in $(members_of "$1" "$2"); do end_pid "$pid" TERM 3; done
    rm -f "$DIR/run/$1.pid"
}

# orphans NAME PROGRAM: processes of a master that is gone or is not the recorded one.
orphans() {
    local master pid parent
    master=$(pid_of "$1") || master=none
    for pid in $(members_of "$1" "$2"); do
        parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
        [ "$pid" = "$master" ] || [ "${parent:-$master}" = "$master" ] || printf '%s\n' "$pid"
    done
}
