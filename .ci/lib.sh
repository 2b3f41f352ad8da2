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
    local root=()
    if [ "$(id -u)" != 0 ]; then
        root=(sudo -n)
    fi
    if ! command -v apt-get >/dev/null || ! "${root[@]}" true 2>/dev/null; then
        echo "$what is missing (on Debian: apt-get install $*)" >&2
        return 1
    fi
    "${root[@]}" apt-get update -q >&2
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >&2
}

# build_programs: builds the command and all examples, into target/debug and target/debug/examples, with the
# features that `cargo test --workspace` has: what was compiled for that is not compiled again.
build_programs() {
    cargo build --locked --quiet --workspace --bins --examples
}

# test_program CRATE TEST: the path of a test's program, from what cargo says of its build as JSON.
test_program() {
    local found="\"package_id\":\"[^\"]*/$1#.*\"name\":\"$2\".*\"executable\":\"\([^\"]*\)\""
    sed -n "s|.*$found.*|\1|p"
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

# published_crates: a line for each crate that is published: its name, version and folder, and whether it
# has a library ("lib" or "bin").
published_crates() {
    need python3 python3 >&2
    cargo metadata --locked --no-deps --format-version=1 | python3 -c '
import json, os, sys
metadata = json.load(sys.stdin)
for package in metadata["packages"]:
    if package["publish"] != []:
        folder = os.path.relpath(os.path.dirname(package["manifest_path"]), metadata["workspace_root"])
        kinds = {kind for target in package["targets"] for kind in target["kind"]}
        print(package["name"], package["version"], folder, "lib" if "lib" in kinds else "bin")
'
}
