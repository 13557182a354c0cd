# shellcheck shell=bash
# scripts/demo.sh: the demo tenant of a development stack, its keys and its first day. Sourced by scripts/run, which sets DIR, BIN,
# PORT and PRESET, after everything is up.

URL=http://127.0.0.1:$PORT
KEYS=$DIR/demo.keys # secrets are shown once: they are kept here

accolade() { "$DIR/accolade" "$@"; }
request() { # KEY PATH CURL-OPTION…: prints the body; fails unless the answer is a 2xx
    curl -sS --fail-with-body -m 30 -H "Authorization: Bearer $1" -H 'Content-Type: application/json' "${@:3}" "$URL/v1$2"
}

key_works() {
    local answer
    answer=$(request "$ACCOLADE_KEY" /members/nobody/points 2>/dev/null) || [[ $answer != *'"unauthenticated"'* ]]
}

# The day of the preset as an array of events: each line's "at" becomes the time of the 24 hours that end now.
day_events() {
    jq -s --argjson now "$(date +%s)" '[to_entries[] | .key as $i | .value | (.at | split(":") | (.[0] | tonumber) * 3600 + (.[1] | tonumber) * 60) as $s
        | {source: "demo", id: "day-\($i + 1)", time: ($now - 86400 + $s | todate | sub("Z$"; ".000Z"))} + del(.at)]' "$ROOT/presets/$PRESET/day.jsonl"
}

demo_tenant() {
    ACCOLADE_KEY='' ACCOLADE_OPERATOR_KEY=''
    # shellcheck source=/dev/null
    if [ -r "$KEYS" ]; then . "$KEYS"; fi
    if [ -n "$ACCOLADE_KEY" ] && key_works; then return; fi

    say "making the tenant demo from presets/$PRESET"
    (cd "$ROOT" && accolade tenant create demo --preset "$PRESET" --json) >"$DIR/log/demo.log" 2>&1 ||
        accolade tenant list --json 2>/dev/null | grep -q '"demo"' || { cat "$DIR/log/demo.log" >&2 && die "the tenant demo could not be made"; }
    ACCOLADE_KEY=$(accolade key create demo --name demo --scopes all --json | jq -er .key)
    ACCOLADE_OPERATOR_KEY=$(accolade operator-key create --name demo --json | jq -er .key)
    (umask 077 && printf 'ACCOLADE_KEY=%s\nACCOLADE_OPERATOR_KEY=%s\n' "$ACCOLADE_KEY" "$ACCOLADE_OPERATOR_KEY" >"$KEYS")

    local answer
    answer=$(day_events | request "$ACCOLADE_KEY" /events --data-binary @-) || die "the demo's events were refused: $answer"
    say "sent a day of events: $(jq -r '[.data[].status] | group_by(.) | map("\(length) \(.[0])") | join(", ")' <<<"$answer")"
}

# NAME=value, quoted only where a shell needs it.
env_line() {
    if [[ $2 =~ ^[A-Za-z0-9/:._+@,=-]*$ ]]; then printf '%s=%s\n' "$1" "$2"; else printf "%s='%s'\n" "$1" "$2"; fi
}

demo_env() {
    {
        env_line ACCOLADE_URL "$URL"
        env_line ACCOLADE_KEY "$ACCOLADE_KEY"
        env_line ACCOLADE_OPERATOR_KEY "$ACCOLADE_OPERATOR_KEY"
        env_line ACCOLADE_TENANT demo
        env_line ACCOLADE_DB_SOCKET "$DB_SOCKET"
        env_line ACCOLADE_DB_NAME accolade
        env_line ACCOLADE_MEMCACHED "$DIR/memcached.sock"
        env_line ACCOLADE_EVENTS_SOCKET "$DIR/events.sock"
        env_line ACCOLADE_BULK_SOCKET "$DIR/bulk.sock"
        env_line ACCOLADE_API_SOCKET "$DIR/api.sock"
        env_line ACCOLADE_ADMIN_SOCKET "$DIR/admin.sock"
        env_line ACCOLADE_BIN "$DIR/accolade"
        env_line ACCOLADE_DB_PID "$(pid_of database)"
        env_line ACCOLADE_MEMCACHED_PID "$(pid_of memcached)"
        env_line ACCOLADE_POOL_PID "$(pid_of pool)"
        env_line ACCOLADE_NGINX_PID "$(pid_of nginx)"
    } | (umask 077 && write_if_changed "$DIR/demo.env") || true
}

# The greeting: one event of the preset, as somebody would send it now.
demo_greeting() {
    local event
    event=$(tail -n 1 "$ROOT/presets/$PRESET/day.jsonl" | jq -c --arg id "try-$(date +%s)" --arg time "$(date -u +%FT%T.000Z)" \
        '{source: "dialer", id: $id, time: $time} + del(.at)')
    say "" "Accolade runs at $URL/v1 for the tenant demo (preset $PRESET)." "The key, and all that another program needs: $DIR/demo.env"
    say "" "Send an event and see what it earns:" ""
    say "curl -sS $URL/v1/events -H 'Authorization: Bearer $ACCOLADE_KEY' -H 'Content-Type: application/json' -d '$event'"
}
