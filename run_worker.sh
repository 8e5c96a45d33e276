#!/usr/bin/env bash
# Runs a worker in the foreground and starts it again if it dies:
#   ./run_worker.sh [--queues a,b] [--concurrency N] [--name NAME]
# Ctrl-C or SIGTERM: the worker finishes or hands back what it has in hand, then this ends with 0.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/scripts/lib.sh"

cd "$PROJECT"
ensure_venv
ensure_local_redis
run_forever "The worker" "$PYTHON" -m pipeline worker "$@"
