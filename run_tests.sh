#!/usr/bin/env bash
# Runs every check and every test:  ./run_tests.sh
# Only the unit tests, in seconds:  ./run_tests.sh -q
# With the long tests as well:     ./run_tests.sh --all
# Other arguments go to pytest:     ./run_tests.sh tests/bot -k card
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/scripts/lib.sh"

step() { # NAME COMMAND...
    local name="$1" status=0
    shift
    say "== $name"
    "$@" || status=$?
    if [ "$status" -ne 0 ]; then
        say "run_tests.sh: $name failed."
        exit "$status"
    fi
}

cd "$PROJECT"
ensure_venv dev
if [ "$*" = -q ]; then
    step "unit tests" "$PYTHON" -m pytest tests/unit -q
    exit 0
fi
selection=(-m "not slow")
if [ "$*" = --all ]; then
    selection=()
elif [ $# -gt 0 ]; then
    step pytest "$PYTHON" -m pytest "$@"
    exit 0
fi
step "ruff check" "$PYTHON" -m ruff check .
step "ruff format" "$PYTHON" -m ruff format --check .
step "unit tests" "$PYTHON" -m pytest tests/unit -q
step "mypy" "$PYTHON" -m mypy
step "import contract" "$PYTHON" "$(dirname "$PYTHON")/lint-imports"
# One process for each core, two at least: they wait more than they work. A file stays in one process.
processes="$("$PYTHON" -c 'import os; print(max(2, os.cpu_count() or 1))')"
step "all other tests" "$PYTHON" -m pytest --ignore=tests/unit "${selection[@]}" \
    -n "$processes" --dist loadfile --no-loadscope-reorder
