#!/usr/bin/env bash
# Starts Flower for this installation's Redis and workers, and shows how Redis and the workers are:
#   scripts/start_monitoring.sh [port]                 in the background until stop_monitoring.sh; 5555
#   scripts/start_monitoring.sh --foreground [port]    for systemd: started again if it dies, until Ctrl-C or SIGTERM
# It listens on 127.0.0.1 only and keeps what it has seen in var/flower (DIGEST_FLOWER_DIR: elsewhere). The password is
# DIGEST_FLOWER_PASSWORD (user DIGEST_FLOWER_USER, "digest") from the environment or .env, else a made one in var/flower.password.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

FOREGROUND=
if [ "${1-}" = --foreground ]; then FOREGROUND=yes && shift; fi
PORT="${1:-5555}"
FOLDER="$(flower_folder)"
LISTENS_S=60 # so long it may take on a busy machine until it listens

# Ends the subshell where this installation's Flower is there already.
end_if_running() {
    local running
    running="$(flower_running)"
    if [ -z "$running" ]; then return 0; fi
    echo "Flower is already running at ${running#* }."
    exit 0
}

# Its number and address stand in the file once it listens.
is_listening() { # PID
    case "$(cat "$FOLDER/flower.pid" 2>/dev/null)" in "$1 "*) return 0 ;; *) return 1 ;; esac
}

start_flower() {
    local pid deadline=$((SECONDS + LISTENS_S))
    end_if_running
    set -m # a process group of its own: Ctrl-C here is not meant for it
    nohup "$PYTHON" -m pipeline flower --port "$PORT" </dev/null >"$FOLDER/flower.log" 2>&1 9>&- &
    set +m
    pid=$!
    until is_listening "$pid"; do
        if ! kill -0 "$pid" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
            kill "$pid" 2>/dev/null || true
            tail -n 5 "$FOLDER/flower.log" >&2
            die "Flower did not start on 127.0.0.1:$PORT; the end of ${FOLDER#"$PROJECT/"}/flower.log is above."
        fi
        sleep 0.1
    done
    grep -o 'Flower is at [^"]*' "$FOLDER/flower.log"
}

case "$PORT" in
    '' | *[!0-9]*) say "Usage: scripts/start_monitoring.sh [--foreground] [port]" && exit 2 ;;
esac
cd "$PROJECT"
ensure_venv
ensure_local_redis || say "Flower starts without Redis."
if [ -n "$FOREGROUND" ]; then
    status=0
    run_forever "Flower" "$PYTHON" -m pipeline flower --port "$PORT" || status=$?
    exit "$status"
fi
umask 077
mkdir -p "$FOLDER"
with_lock "$FOLDER/.start.lock" start_flower
"$PYTHON" -m pipeline monitor || true
