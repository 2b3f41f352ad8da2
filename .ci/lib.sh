# shellcheck shell=bash
# Sourced by the scripts beside it.

# What is slow to make and good for all checkouts.
# shellcheck disable=SC2034 # it is for the others
cache=${PUSHEST_CACHE:-$HOME/.cache/pushest}

# need COMMAND PACKAGE…: where COMMAND is missing, installs these packages of Debian's.
need() {
    command -v "$1" >/dev/null || install_packages "$@"
}

# need_library NAME PACKAGE…: the same for what pkg-config must find.
need_library() {
    need pkg-config pkg-config
    pkg-config --exists "$1" || install_packages "$@"
}

# install_packages WHAT PACKAGE…
install_packages() {
    local what=$1
    shift
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "$what is missing (on Debian: apt-get install $*)" >&2
        return 1
    fi
    apt-get update -q >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >&2
}

# make_venv FOLDER: a virtual environment of python3, made anew.
make_venv() {
    need python3 python3
    rm -rf "$1"
    python3 -m venv "$1" >&2 || {
        # Debian has venv's pip in a package of its own.
        install_packages python3-venv python3-venv
        rm -rf "$1"
        python3 -m venv "$1" >&2
    }
}
