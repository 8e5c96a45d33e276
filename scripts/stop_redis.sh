#!/usr/bin/env bash
# Stops the Redis that start_redis.sh started, and no other:  scripts/stop_redis.sh [port]
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

PORT="${1:-6379}"
refuse_no_port "$PORT"
PID_FILE="$(redis_folder "$PORT")/redis.pid"
STOP_S=30 # the longest it may take to write what it has in memory

pid="$(cat "$PID_FILE" 2>/dev/null || true)"
answering="$(redis_process_id "$PORT")"
if [ -z "$answering" ] && [ "$(redis_state "$PORT")" = free ]; then
    echo "No Redis is running on 127.0.0.1:$PORT."
    exit 0
fi
if [ -z "$pid" ] || [ "$pid" != "$answering" ]; then
    echo "What answers on 127.0.0.1:$PORT was not started by start_redis.sh and is left alone."
    exit 0
fi
kill -TERM "$pid"
deadline=$((SECONDS + STOP_S))
while kill -0 "$pid" 2>/dev/null; do
    [ "$SECONDS" -lt "$deadline" ] || die "Redis (process $pid) did not stop within $STOP_S s."
    sleep 0.05
done
echo "Stopped Redis on 127.0.0.1:$PORT."
