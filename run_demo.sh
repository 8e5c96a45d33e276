#!/usr/bin/env bash
# Two digests of sample posts, made on this machine: no account, no key, no root, and nothing is left running or lying about.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/scripts/lib.sh"

STOP_S=15 # a worker that has not stopped by then is killed
DEMO_PID= WORKER_PID= PORT= HOME_DIR=

# The demo looks the same for everybody, whatever this shell has been told about the real thing.
forget_own_settings() {
    local name
    for name in $(compgen -e); do
        case "$name" in DIGEST_*) unset "$name" ;; esac
    done
    export DIGEST_VENV="$VENV"
}

stop_process() { # PID
    local deadline=$((SECONDS + STOP_S))
    kill -TERM "$1" 2>/dev/null || return 0
    while kill -0 "$1" 2>/dev/null; do
        if [ "$SECONDS" -ge "$deadline" ]; then kill -KILL "$1" 2>/dev/null || true; fi
        sleep 0.1
    done
}

clean_up() {
    trap '' INT TERM HUP
    if [ -n "$DEMO_PID" ]; then stop_process "$DEMO_PID"; fi
    if [ -n "$WORKER_PID" ]; then stop_process "$WORKER_PID"; fi
    if [ -n "$PORT" ]; then "$PROJECT/scripts/stop_redis.sh" "$PORT" >/dev/null || true; fi
    if [ -n "$HOME_DIR" ]; then rm -rf "$HOME_DIR"; fi
} 2>/dev/null

free_port() {
    "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_everything() {
    HOME_DIR="$(mktemp -d "${TMPDIR:-/tmp}/digest-demo.XXXXXX")"
    PORT="$(free_port)"
    export DIGEST_REDIS_DIR="$HOME_DIR/redis"
    export DIGEST_REDIS__URL="redis://127.0.0.1:$PORT/0"
    export DIGEST_DATABASE__URL="sqlite:///$HOME_DIR/digest.db"
    export DIGEST_ENGINE__MODE=celery
    export DIGEST_LLM__PROVIDER=offline
    "$PROJECT/scripts/start_redis.sh" "$PORT" >"$HOME_DIR/start_redis.log" || exit 1
    start_apart "$PYTHON" -m pipeline worker >"$HOME_DIR/worker.log" 2>&1
    WORKER_PID=$CHILD
}

# Both are watched: without a worker the demo would wait for ever.
wait_for_demo() {
    while kill -0 "$DEMO_PID" 2>/dev/null; do
        if ! kill -0 "$WORKER_PID" 2>/dev/null; then
            say "The worker ended before its work was done."
            return 1
        fi
        sleep 0.2
    done
    wait "$DEMO_PID"
}

forget_own_settings
cd "$PROJECT"
ensure_venv
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
start_everything
start_apart "$PYTHON" -m pipeline demo
DEMO_PID=$CHILD
status=0
wait_for_demo || status=$?
if [ "$status" -ne 0 ]; then
    say "The demo did not work. The end of the worker's log:"
    tail -n 20 "$HOME_DIR/worker.log" >&2
fi
exit "$status"
