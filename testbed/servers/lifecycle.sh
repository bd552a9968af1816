# What the servers of this folder have in common; sourced by their scripts, each of which names its server and defines
#   build               makes what no package has, once for all folders (may be absent)
#   install             makes the folder's configuration, at its first start: ports, password, address
#   launch              starts the processes, each by `serve`; the one called `server` is the server itself
#   answers             whether it serves clients
#   KNOWN_OPTIONS       what `start` takes beside the folder (may be absent)
# and then calls `main "$@"`. All that a server has is in one folder, $DIR:
#   url                 its address, with user and password; `api-url` and `ca.pem` where it has them
#   NAME.pid, NAME.log  a process that `serve` started: its id and the moment it began; its output since the last start
#   kind, ports, lock   whose folder it is; its ports in the server's order; held while a start runs
# shellcheck shell=bash
set -euo pipefail

readonly MISSING=77          # the exit code where a program is not installed; the Rust side knows it too
readonly LOG_LINES=20        # how much of a log an error shows
readonly WATCH_EVERY_S=1     # how soon a server follows its parent
readonly KILL_S=10           # the kernel ends a killed process in far less
readonly CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/tapedeck/testbed
SELF=$(readlink -f "$0")
readonly SELF
readonly KIND=${SELF##*/}
# shellcheck source=testbed/servers/ports.sh
. "${SELF%/*}/ports.sh"

usage() {
    cat <<USAGE
$KIND build                          make what no package has (into $CACHE)
$KIND start DIR [--for PID] [OPTION] start it, again on the same data and port where DIR has them; returns when it answers
                                      --for: when process PID is gone, end it and remove DIR
$KIND stop DIR                       end it in order
$KIND kill DIR                       end it by kill -9
$KIND remove DIR                     end it by kill -9 and remove DIR
Its address is printed and kept in DIR/url.
USAGE
    [[ -z ${KNOWN_OPTIONS:-} ]] || printf 'OPTION is one of: %s\n' "$KNOWN_OPTIONS"
}

fail() {
    printf '%s: %s\n' "$KIND" "$*" >&2
    exit 1
}

# Ends the script where one of these programs is missing.
need() {
    local program missing=()
    for program in "$@"; do
        command -v "$program" >/dev/null || missing+=("$program")
    done
    [[ ${#missing[@]} -eq 0 ]] && return
    printf 'not installed: %s\n' "${missing[*]}" >&2
    exit "$MISSING"
}

# 24 random letters and digits: what a user in an address may hold without escapes.
password() { od -An -N12 -tx1 /dev/urandom | tr -d ' \n'; }

# When the kernel started process $1, in ticks since boot; nothing where it does not run. Ids are used again, but not with
# the same moment.
born() {
    local stat fields
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    read -ra fields <<<"${stat##*) }" # the name in parentheses may hold spaces
    [[ ${fields[0]} == Z ]] || echo "${fields[19]}"
}

# The id of process $1 of this folder, where it runs.
running() {
    local pid birth
    { read -r pid birth <"$DIR/$1.pid"; } 2>/dev/null && [[ -n $birth && $(born "$pid") == "$birth" ]] && echo "$pid"
}

# Starts a process called $1 in a session of its own, so that no terminal and no caller ends it.
serve() {
    local name=$1
    shift
    [[ ! -e $DIR/$name.log ]] || mv -f "$DIR/$name.log" "$DIR/$name.log.before"
    setsid "$@" >"$DIR/$name.log" 2>&1 </dev/null 9>&- &
    echo "$! $(born $!)" >"$DIR/$name.pid"
    disown # its end is no news
}

gone() { ! running "$1" >/dev/null; }

# Waits until process $1 is gone, at most $2 seconds.
wait_gone() {
    local deadline=$((SECONDS + $2))
    until gone "$1"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

# Ends everything of this folder by kill -9, with what it has started itself.
end_all() {
    local file name pid
    for file in "$DIR"/*.pid; do
        [[ -e $file ]] || continue
        name=$(basename "$file" .pid)
        pid=$(running "$name") || continue
        kill -s KILL -- "-$pid" 2>/dev/null || kill -s KILL "$pid" 2>/dev/null || true
        wait_gone "$name" "$KILL_S" || fail "$name (process $pid) outlives kill -9"
    done
}

end_in_order() {
    local pid
    ! pid=$(running server) || kill -s TERM "$pid" 2>/dev/null || true
    wait_gone server "$STOP_S" || printf '%s: killed, as it did not stop within %d s\n' "$KIND" "$STOP_S" >&2
    end_all
}

# The watchdog goes last: where this script is killed, somebody still has to finish.
remove() {
    local watchdog='' birth port ports=()
    { read -r watchdog birth <"$DIR/watchdog"; } 2>/dev/null || true
    { read -ra ports <"$DIR/ports"; } 2>/dev/null || true
    end_all
    rm -rf "$DIR"
    for port in "${ports[@]}"; do
        rm -f "$CACHE/ports/$port"
    done
    if [[ -n $watchdog && $watchdog != "$$" && $(born "$watchdog") == "$birth" ]]; then
        kill -s KILL -- "-$watchdog" 2>/dev/null || true
        until [[ $(born "$watchdog") != "$birth" ]]; do sleep 0.02; done
    fi
}

parent_lives() { [[ -z $PARENT || (-n $PARENT_BORN && $(born "$PARENT") == "$PARENT_BORN") ]]; }

# Waits for the parent's end. It goes on while the server is stopped or killed, as somebody still has to remove the folder,
# and ends with the folder.
watch() {
    while [[ -d $DIR ]] && parent_lives; do
        sleep "$WATCH_EVERY_S"
    done
    [[ -d $DIR ]] || return 0
    exec 9>"$DIR/lock"
    flock 9 # a start that still runs sees by itself that its parent is gone
    remove
}

start_watchdog() {
    local watchdog birth
    { read -r watchdog birth <"$DIR/watchdog"; } 2>/dev/null && [[ $(born "$watchdog") == "$birth" ]] && return
    setsid "$SELF" watch "$DIR" --for "$PARENT" "$PARENT_BORN" >/dev/null 2>&1 </dev/null 9>&- &
    echo "$! $(born $!)" >"$DIR/watchdog"
    disown
}

# Ends a start that did not succeed. The folder stays for whoever wants to look.
fail_to_start() {
    end_all
    printf 'The end of %s/server.log:\n' "$DIR" >&2
    tail -n "$LOG_LINES" "$DIR/server.log" >&2
    fail "$1"
}

wait_for_answer() {
    local deadline=$((SECONDS + READY_S))
    until answers >/dev/null 2>&1; do
        ! gone server || fail_to_start 'it ended before it answered'
        parent_lives || fail_to_start 'the process it was for is gone'
        ((SECONDS < deadline)) || fail_to_start "it did not answer within $READY_S s"
        sleep 0.1
    done
}

start() {
    parent_lives || fail "there is no process $PARENT"
    mkdir -p "$DIR"
    chmod 700 "$DIR" # it holds a password
    [[ -s $DIR/kind || -z $(ls -A "$DIR") ]] || fail "$DIR has other things in it"
    echo "$KIND" >"$DIR/kind"
    exec 9>"$DIR/lock"
    flock -n 9 || fail "another start in $DIR runs"
    gone server || fail "it runs already in $DIR"
    [[ -z $PARENT ]] || start_watchdog
    if [[ ! -e $DIR/installed ]]; then
        install
        touch "$DIR/installed"
    fi
    end_all # what a killed server may have left
    launch
    wait_for_answer
    cat "$DIR/url"
}

build() { :; }

main() {
    local command=${1-}
    case $command in
        build)
            build
            return
            ;;
        start | stop | kill | remove | watch) [[ -n ${2-} ]] || fail "$command what? A folder is missing" ;;
        *)
            usage
            [[ $command == -h || $command == --help ]] && return
            return 2
            ;;
    esac
    DIR=$(realpath -m "$2")
    shift 2
    PARENT='' PARENT_BORN='' OPTIONS=()
    while [[ $# -gt 0 ]]; do
        if [[ $1 == --for ]]; then
            PARENT=${2:?--for needs the id of a process}
            PARENT_BORN=$(born "$PARENT")
            shift
            # The watchdog is told the moment: by now the id may be another's.
            [[ $command != watch ]] || { PARENT_BORN=$2 && shift; }
        elif [[ " ${KNOWN_OPTIONS:-} " == *" $1 "* ]]; then
            OPTIONS+=("$1")
        else
            fail "no such option: $1${KNOWN_OPTIONS:+; there are: $KNOWN_OPTIONS}"
        fi
        shift
    done
    case $command in
        start) start ;;
        stop) end_in_order ;;
        kill) end_all ;;
        remove)
            [[ -s $DIR/kind ]] || fail "$DIR is not a server's folder"
            remove
            ;;
        watch) watch ;;
    esac
}
