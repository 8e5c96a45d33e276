#!/usr/bin/env bash
# Makes the Python environment that all programs run in, or brings it to what this version needs:  scripts/set_up.sh
# run_bot.sh and the other scripts do it by themselves; units of systemd, which may not write there, need it done before.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

ensure_venv
say "Everything is installed in ${VENV#"$PROJECT/"}."
