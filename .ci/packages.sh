# Debian packages for `run` and `test`; sourced by them.
# shellcheck shell=bash

# Installs packages where this is root on a system with apt; false where it is not, or where apt failed.
# It asks nothing and starts no service. The package lists are only fetched where the first try does not find them.
apt_install() {
    [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null || return 1
    printf 'installing %s\n' "$*" >&2
    (
        export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
        policy=/usr/sbin/policy-rc.d
        if [[ ! -e $policy ]]; then
            trap 'rm -f "$policy"' EXIT
            printf '#!/bin/sh\nexit 101\n' >"$policy"
            chmod 755 "$policy"
        fi
        install=(apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=120 install)
        "${install[@]}" "$@" >/dev/null 2>&1 || { apt-get -qq update && "${install[@]}" "$@" >/dev/null; } >&2
    )
}

# The line that installs packages by hand: $1 lists Debian's names, $2 the programs for people without apt.
install_line() {
    if command -v apt-get >/dev/null; then
        printf 'sudo apt-get install -y --no-install-recommends %s\n' "$1"
    else
        printf 'install these programs with the package manager of your system: %s\n' "$2"
    fi
}
