#!/usr/bin/env bash
# Stops the Flower of this installation, and no other:  scripts/stop_monitoring.sh
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

STOP_S=30 # the longest it may take to write what it has seen

if [ $# -gt 0 ]; then say "Usage: scripts/stop_monitoring.sh" && exit 2; fi
cd "$PROJECT"
ensure_venv
running="$(flower_running)"
if [ -z "$running" ]; then
    echo "No Flower of this installation is running."
    exit 0
fi
pid="${running%% *}"
kill -TERM "$pid"
deadline=$((SECONDS + STOP_S))
while kill -0 "$pid" 2>/dev/null; do
    [ "$SECONDS" -lt "$deadline" ] || die "Flower (process $pid) did not stop within $STOP_S s."
    sleep 0.05
done
echo "Stopped Flower at ${running#* }."
