#!/usr/bin/env bash
# Runs the Telegram bots in the foreground and starts them again if they die. Ctrl-C or SIGTERM stops them cleanly.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/scripts/lib.sh"

cd "$PROJECT"
ensure_venv
ensure_local_redis || say "The bot starts without Redis."
run_forever "The bot" "$PYTHON" -m telegram_bot "$@"
