# shellcheck shell=bash
# Sourced by the scripts beside it.

# What is slow to make and good for all checkouts.
# shellcheck disable=SC2034 # it is for the others
cache=${PUSHEST_CACHE:-$HOME/.cache/pushest}

# need COMMAND PACKAGE…: where COMMAND is missing, installs these packages of Debian's.
need() {
    local command=$1
    shift
    if command -v "$command" >/dev/null; then
        return
    elif [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "$command is missing (on Debian: apt-get install $*)" >&2
        return 1
    fi
    apt-get update -q >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >&2
}
