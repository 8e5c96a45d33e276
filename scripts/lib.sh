# Functions shared by the scripts: the Python environment, the local Redis, and keeping a program running.
# To be sourced by bash (3.2 or newer) under `set -euo pipefail`.

PROJECT="$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="${DIGEST_VENV:-$PROJECT/.venv}" # DIGEST_VENV: another folder for the Python environment
case "$VENV" in /*) ;; *) VENV="$PWD/$VENV" ;; esac
PYTHON="$VENV/bin/python"

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# with_lock FILE COMMAND...: runs the command while nobody else runs one under the same file.
# The command runs in a subshell that holds file descriptor 9; a daemon started there must close it.
with_lock() {
    local file="$1" status=0
    shift
    if command -v flock >/dev/null 2>&1; then
        (flock 9 && "$@") 9>"$file" || status=$?
        return "$status"
    fi
    take_folder_lock "$file.d" || return 1
    ("$@") || status=$?
    rm -rf "$file.d"
    return "$status"
}

# macOS has no flock; making a folder is as atomic, but somebody must clear away what a killed script left behind.
take_folder_lock() {
    until mkdir "$1" 2>/dev/null; do
        [ -w "$(dirname "$1")" ] || return 1
        if holder_is_dead "$1" && mkdir "$1.breaking" 2>/dev/null; then
            if holder_is_dead "$1"; then rm -rf "$1"; fi # nobody was faster
            rmdir "$1.breaking"
        fi
        sleep 0.2
    done
    echo $$ >"$1/pid"
}

holder_is_dead() {
    local holder
    holder="$(cat "$1/pid" 2>/dev/null)" && [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null
}

# --- the Python environment ---------------------------------------------------------------------------------

# A version manager may put a python3.12 on the PATH that only says it is not installed: only running it tells.
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# ensure_python: prints the name of a Python that can make the environment.
ensure_python() {
    local name
    for name in python3.13 python3.12 python3.11 python3; do
        if is_new_enough "$name"; then
            echo "$name"
            return 0
        fi
    done
    say "Python 3.11 or newer is needed and none was found: install it (https://www.python.org/downloads/) and try again."
    return 1
}

requirements() { # run | dev
    cat "$PROJECT/requirements.txt"
    if [ "$1" = dev ]; then cat "$PROJECT/requirements-dev.txt"; fi
}

# What was installed is remembered word for word, so that a later start only has to compare.
is_set_up() { [ -x "$PYTHON" ] && requirements "$1" | cmp -s - "$VENV/.installed-$1"; }

# ensure_venv [dev]: $PYTHON is a Python with everything installed that this checkout asks for.
ensure_venv() {
    local kind="${1:-run}"
    if is_set_up "$kind"; then return 0; fi
    mkdir -p "$VENV" || die "The Python environment cannot be made in $VENV."
    with_lock "$VENV/.setup.lock" set_up_venv "$kind" || exit 1
}

set_up_venv() {
    local file="$PROJECT/requirements.txt"
    if is_set_up "$1"; then return 0; fi # another script did it while this one waited
    say "Setting up the Python environment in ${VENV#"$PROJECT/"} (only this time, about a minute) …"
    has_pip || make_venv || return 1
    if [ "$1" = dev ]; then file="$PROJECT/requirements-dev.txt"; fi
    rm -f "$VENV"/.installed-*
    if ! "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-input -r "$file"; then
        say "Installing $(basename "$file") failed, pip says why above. Once that is mended, run the command again."
        return 1
    fi
    requirements run >"$VENV/.installed-run" && requirements "$1" >"$VENV/.installed-$1"
}

has_pip() { is_new_enough "$PYTHON" && "$PYTHON" -m pip --version >/dev/null 2>&1; }

make_venv() {
    local python
    python="$(ensure_python)" || return 1
    if [ -f "$VENV/pyvenv.cfg" ]; then # of a Python that is gone or too old
        rm -rf "${VENV:?}/bin" "${VENV:?}/include" "${VENV:?}/lib" "${VENV:?}/lib64" "${VENV:?}/pyvenv.cfg"
    fi
    if ! "$python" -m venv "$VENV" >&2; then
        say "$python cannot make a virtual environment in $VENV: on Debian and Ubuntu install python3-venv and try again."
        return 1
    fi
}

# --- the local Redis ----------------------------------------------------------------------------------------

refuse_no_port() { # TEXT
    case "$1" in
        '' | *[!0-9]*) say "$1 is no port: give a number, such as 6379." && exit 2 ;;
    esac
}

redis_folder() { # PORT
    local name=redis
    if [ "$1" != 6379 ]; then name="redis-$1"; fi
    echo "${DIGEST_REDIS_DIR:-$PROJECT/var/$name}"
}

# redis_state PORT: free (nobody listens), ready, loading, locked (wants a password) or foreign (no Redis).
redis_state() (
    exec 2>/dev/null
    line=
    exec 3<>"/dev/tcp/127.0.0.1/$1" || { echo free && exit; }
    printf 'PING\r\n' >&3 && IFS= read -r -t 2 line <&3 || true
    case "$line" in
        +PONG*) echo ready ;;
        -LOADING*) echo loading ;;
        -NOAUTH*) echo locked ;;
        *) echo foreign ;;
    esac
)

# redis_process_id PORT: the number of the Redis process that answers there, or nothing.
redis_process_id() (
    exec 2>/dev/null
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 0
    printf 'INFO server\r\n' >&3
    while IFS= read -r -t 2 line <&3; do
        case "$line" in
            process_id:*) line="${line#process_id:}" && echo "${line%$'\r'}" && exit 0 ;;
            -*) exit 0 ;;
        esac
    done
    exit 0
)

# ensure_local_redis: starts one where the settings name the local default and nothing answers there.
# Returns non-zero where one was needed and could not be started; ends the script with 2 if the settings cannot be used.
# Where one answers, there is nothing to ask the settings, which would take Python half a second.
ensure_local_redis() {
    local status=0
    if [ "$(redis_state 6379)" = ready ]; then return 0; fi
    "$PYTHON" -m pipeline.local_redis || status=$?
    case "$status" in
        0) "$PROJECT/scripts/start_redis.sh" ;;
        2) exit 2 ;;
    esac
}

# --- Flower -------------------------------------------------------------------------------------------------

flower_folder() { echo "${DIGEST_FLOWER_DIR:-$PROJECT/var/flower}"; }

# flower_running: prints process number and address of this installation's Flower, or nothing. What a killed one has left in
# the file is told from what a living one has by a lock, which Python looks at.
flower_running() {
    if [ -s "$(flower_folder)/flower.pid" ]; then "$PYTHON" -m pipeline flower-running || true; fi
}

# --- keeping a program running ------------------------------------------------------------------------------

CHILD=       # the process that is waited for
TOLD=        # it was asked to stop
STOPPING=    # this script was asked to stop
INTERRUPTED= # a signal ended `wait` before the child had ended

# start_apart COMMAND...: starts it in the background in a process group of its own and leaves its number in $CHILD.
# Ctrl-C reaches the whole group of the terminal: the program would be asked to stop twice. Where the system can do it, the
# program is asked to stop also when this script is killed.
start_apart() {
    CHILD= TOLD=
    if setpriv --pdeathsig TERM true 2>/dev/null; then set -- setpriv --pdeathsig TERM "$@"; fi
    set -m
    "$@" </dev/null &
    CHILD=$!
    set +m
}

ask_to_stop() {
    STOPPING=yes INTERRUPTED=yes
    if [ -n "$CHILD" ] && [ -z "$TOLD" ]; then
        TOLD=yes
        kill -TERM "$CHILD" 2>/dev/null || true
    fi
}

# wait_for_child: returns what the child ended with, however many signals come in between.
wait_for_child() {
    local status=0 again
    wait "$CHILD" 2>/dev/null || status=$?
    while [ -n "$INTERRUPTED" ]; do
        INTERRUPTED= again=0
        wait "$CHILD" 2>/dev/null || again=$?
        if [ "$again" -ne 127 ]; then status=$again; fi # 127: it was already waited for
    done
    CHILD=
    return "$status"
}

run_child() {
    start_apart "$@"
    if [ -n "$STOPPING" ]; then ask_to_stop; fi # the signal came before there was a child
    wait_for_child
}

how_it_ended() { # STATUS
    local name
    if [ "$1" -gt 128 ] && name="$(kill -l "$(($1 - 128))" 2>/dev/null)"; then
        echo "was ended by signal $(($1 - 128)) ($name)"
    else
        echo "ended with code $1"
    fi
}

# lines_are_json: whether the settings ask for logs in JSON. Python would take half a second to say so.
lines_are_json() {
    local file="${DIGEST_SETTINGS_FILE:-}"
    if [ -z "$file" ]; then file="$(sed -n 's/^DIGEST_SETTINGS_FILE="\{0,1\}\([^"]*\)"\{0,1\} *$/\1/p' "$PROJECT/.env" 2>/dev/null || true)"; fi
    case "${DIGEST_LOGGING__FORMAT:-}" in json) return 0 ;; ?*) return 1 ;; esac
    grep -qs '^DIGEST_LOGGING__FORMAT="\{0,1\}json' "$PROJECT/.env" ||
        grep -qs '^format *= *"json"' "${file:-$PROJECT/settings.toml}"
}

# tell SENTENCE: a line of the log of whatever is kept running; no sentence has quotes or backslashes in it.
tell() {
    if lines_are_json; then
        say "$(printf '{"time": "%s", "level": "WARNING", "logger": "%s", "message": "%s"}' \
            "$(date -u +%Y-%m-%dT%H:%M:%S+00:00)" "$(basename "$0")" "$1")"
    else
        say "$1"
    fi
}

# run_forever NAME COMMAND...: runs the command and starts it again when it dies, after 1, 2, 4, … 30 s, and after 1 s again
# once it has run for a minute. SIGTERM, SIGINT and SIGHUP become one SIGTERM for the command.
# Returns 0 when it ended by itself with 0 or on request, and 2 when it ended with 2 (settings or usage).
run_forever() {
    local name="$1" delay=1 began status
    shift
    export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}" # glibc: each of 40 threads would keep freed memory for itself
    trap ask_to_stop TERM INT HUP
    while [ -z "$STOPPING" ]; do
        began=$SECONDS status=0
        run_child "$@" || status=$?
        if [ "$status" -eq 143 ] && [ -n "$STOPPING" ]; then status=0; fi # stopped before it was ready
        if [ "$status" -eq 0 ] || [ "$status" -eq 2 ] || [ -n "$STOPPING" ]; then return "$status"; fi
        if [ $((SECONDS - began)) -ge 60 ]; then delay=1; fi
        tell "$name $(how_it_ended "$status") and is started again in $delay s."
        run_child sleep "$delay" || true
        delay=$((delay < 15 ? delay * 2 : 30))
    done
    return 0
}
