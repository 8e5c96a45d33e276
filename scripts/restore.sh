#!/usr/bin/env bash
# Lets a backup take the place of the database; stop the bot and all workers first:
#   scripts/restore.sh FILE [--replace] [--nothing-sent-after MOMENT]
# What is there now is kept as a backup in var/backups. Where var/secret.key is gone, the only key beside FILE is put there.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

KEY="$PROJECT/var/secret.key"

put_key_back() { # FILE
    local keys=("$(dirname -- "$1")"/secret-*.key)
    if [ -e "$KEY" ] || [ ! -f "${keys[0]}" ]; then return 0; fi
    if [ ${#keys[@]} -gt 1 ]; then
        say "Several keys lie beside the backup: if the tokens cannot be read, copy the right one to var/secret.key."
        return 0
    fi
    (umask 077 && mkdir -p "$PROJECT/var" && cp "${keys[0]}" "$KEY")
    say "var/secret.key was put back from ${keys[0]}."
}

case "${1:-}" in
    '' | -*) say "Usage: scripts/restore.sh FILE [--replace] [--nothing-sent-after MOMENT]" && exit 2 ;;
esac
if [ ! -f "$1" ]; then say "There is no backup $1." && exit 2; fi
FILE="$(cd -- "$(dirname -- "$1")" && pwd)/$(basename -- "$1")"
shift
cd "$PROJECT"
ensure_venv
put_key_back "$FILE"
exec "$PYTHON" -m pipeline database restore "$FILE" "$@"
