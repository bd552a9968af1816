# The ports of the servers; sourced by lifecycle.sh.
# shellcheck shell=bash

readonly PORT_FIRST=20000    # a common service's port is below, and from 32768 the kernel gives them to clients
readonly PORTS=12000
readonly PORT_TRIES=100

# Keeps $1 ports in DIR/ports that no socket of this machine has now and no other folder will use, as long as each exists.
# A port is not held: another program may still take it.
choose_ports() {
    local port try owner found=()
    mkdir -p "$CACHE/ports"
    for ((try = 0; try < PORT_TRIES && ${#found[@]} < $1; try++)); do
        port=$((PORT_FIRST + (RANDOM << 15 | RANDOM) % PORTS))
        ! grep -qsi ":$(printf '%04X' "$port") " /proc/net/tcp /proc/net/tcp6 || continue
        if ! (set -o noclobber && echo "$DIR" >"$CACHE/ports/$port") 2>/dev/null; then
            owner=$(cat "$CACHE/ports/$port")
            [[ ! -e $owner ]] || continue
            echo "$DIR" >"$CACHE/ports/$port"
        fi
        found+=("$port")
    done
    echo "${found[*]}" >"$DIR/ports"
    [[ ${#found[@]} -eq $1 ]] || fail "no free port in $PORT_TRIES tries"
}

# Whether the server itself listens on port $1: another program's port may answer as well.
listens() {
    local pid inode sockets
    pid=$(running server) || return
    sockets=$(readlink "/proc/$pid/fd/"*)
    # State 0A is LISTEN; the tenth field is the socket's inode.
    while read -r inode; do
        [[ $sockets != *"socket:[$inode]"* ]] || return 0
    done < <(awk -v port=":$(printf '%04X' "$1")\$" '$2 ~ port && $4 == "0A" { print $10 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
    return 1
}
