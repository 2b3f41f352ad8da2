# shellcheck shell=bash
# Sourced by the scripts beside it that run programs of Debian's: a folder for their work, and what ends
# them. Needs lib.sh.

work=$(mktemp -d)
running=()
finish() {
    local status=$?
    if [ "$status" != 0 ]; then
        tail -n 20 "$work"/*.log >&2 || true
    fi
    for pid in "${running[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT

# program NAME PACKAGE [FOLDER]: prints the path of a program of Debian's. Where it is missing, its package is
# unpacked and not installed: no service starts.
program() {
    local home=$cache/debian/$2 folder=${3:-usr/bin}
    if command -v "$1"; then
        return
    fi
    if [ ! -x "$home/$folder/$1" ]; then
        need dpkg-deb dpkg
        (cd "$work" && apt-get download "$2" >&2) || {
            # Without the lists of packages. Nothing but these is missing.
            install_packages "$1" ca-certificates
            (cd "$work" && apt-get download "$2" >&2)
        }
        mkdir -p "$home"
        dpkg-deb -x "$work/$2"_*.deb "$home" >&2
    fi
    echo "$home/$folder/$1"
}

# answers PORT|PATH: something listens on this port of the loopback interface, or there is this socket.
answers() {
    if [[ $1 == /* ]]; then
        [ -S "$1" ]
        return
    fi
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A free port, below those that the kernel gives to outgoing connections.
free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)) && answers "$port"; do :; done
    echo "$port"
}

# start NAME PORT|PATH COMMAND…: runs it until the end, and waits until it listens.
start() {
    local name=$1 port=$2
    shift 2
    "$@" </dev/null >"$work/$name.log" 2>&1 &
    running+=($!)
    for _ in {1..300}; do
        if answers "$port"; then
            return
        fi
        sleep 0.1
    done
    echo "$name does not listen on $port" >&2
    return 1
}

# fails TEXT COMMAND…: the command fails, says so, and shows no password.
fails() {
    local text=$1 said
    shift
    if said=$("$@" 2>&1); then
        echo "this must fail: $*" >&2
        return 1
    fi
    if ! grep -qF -- "$text" <<<"$said" || grep -qE 'wrong-word|secret-word' <<<"$said"; then
        echo "this must say '$text' and no password: $*: $said" >&2
        return 1
    fi
}
