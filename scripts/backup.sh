#!/usr/bin/env bash
# Backs up the database while everything goes on, keeps the last 14 backups, and prints the new one's path:
#   scripts/backup.sh [FOLDER]          FOLDER: var/backups where it is left out
# DIGEST_BACKUPS_KEPT: another number. DIGEST_BACKUP_KEY=no: do not put a copy of var/secret.key beside the backups.
# Ends with 0 when there is a new backup, 1 when there is none, 2 when the settings or the arguments cannot be used.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

case "${1:-}" in -*) say "Usage: scripts/backup.sh [FOLDER]" && exit 2 ;; esac
FOLDER="${1:-$PROJECT/var/backups}"
case "$FOLDER" in /*) ;; *) FOLDER="$PWD/$FOLDER" ;; esac
KEPT="${DIGEST_BACKUPS_KEPT:-14}"
STAMP="$(date -u +%Y%m%dT%H%M%SZ)"
KEY="$PROJECT/var/secret.key"

# Without the key the tokens in a backup cannot be read. A key that is there already is not copied again.
keep_key() {
    local kept
    if [ ! -f "$KEY" ] || [ "${DIGEST_BACKUP_KEY:-yes}" = no ]; then return 0; fi
    for kept in "$FOLDER"/secret-*.key; do
        if cmp -s "$KEY" "$kept"; then return 0; fi
    done
    cp "$KEY" "$FOLDER/secret-$STAMP.key"
}

# Only files that this script has named are removed, and what a backup that was killed has left behind.
remove_old() {
    local backups=("$FOLDER"/digest-????????T??????Z.zip)
    local extra=$((${#backups[@]} - KEPT)) number
    for ((number = 0; number < extra; number++)); do rm -f -- "${backups[number]}"; done
    find "$FOLDER" -maxdepth 1 -name '.digest-*.part' -mtime +0 -exec rm -f -- {} +
}

case "$KEPT" in
    '' | 0 | *[!0-9]*) say "DIGEST_BACKUPS_KEPT is a number of backups, 1 or more." && exit 2 ;;
esac
if [ $# -gt 1 ]; then say "Usage: scripts/backup.sh [FOLDER]" && exit 2; fi
cd "$PROJECT"
ensure_venv
umask 077
mkdir -p "$FOLDER" || die "The folder $FOLDER cannot be made."
status=0
trap ask_to_stop TERM INT HUP
run_child "$PYTHON" -m pipeline database backup "$FOLDER/digest-$STAMP.zip" >&2 || status=$?
if [ "$status" -ne 0 ]; then
    say "No backup was made."
    exit "$status"
fi
keep_key
remove_old
echo "$FOLDER/digest-$STAMP.zip"
