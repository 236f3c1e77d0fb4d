# Shared by the scripts: installs what is missing on Debian 12, as root or with sudo. Sourced, not run.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages_build=(clang-19 lld-19 llvm-19 cmake ninja-build ccache pkg-config git ca-certificates
    libcpp-httplib-dev libcurl4-openssl-dev nlohmann-json3-dev libpqxx-dev libpq-dev libssl-dev
    libcli11-dev libfmt-dev libsodium-dev libutf8proc-dev libsimdjson-dev libpugixml-dev zlib1g-dev
    liboath-dev libfido2-dev libcbor-dev libgtest-dev libgmock-dev
    postgresql-15 postgresql-client-15 tzdata)
packages_bench=(nodejs npm wrk)
packages_test=(libclang-rt-19-dev clang-format-19 systemd nodejs npm pgbouncer chromium)

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "packages are missing, and neither root nor sudo is here: run this once as root, or install sudo" >&2
        return 1
    fi
}

# install_packages NAME...: only what is missing, so that a second run costs nothing.
install_packages() {
    local missing=() name
    for name in "$@"; do
        # A tool that is there already, from wherever, is good enough.
        case $name in nodejs) command -v node >/dev/null && continue ;; npm) command -v npm >/dev/null && continue ;; esac
        dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "installing: ${missing[*]}" >&2
    # No cluster of Debian's own is wanted: the daemon runs its private one.
    as_root mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
        echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
    # Nor is a pooler of Debian's own: tests start theirs.
    case " ${missing[*]} " in
    *" pgbouncer "*) as_root systemctl disable --now pgbouncer >/dev/null 2>&1 || true ;;
    esac
}

# build PRESET TARGET...: configures when needed and builds.
build() {
    local preset=$1
    shift
    cmake --preset "$preset" >"build-$preset.log" 2>&1 || { cat "build-$preset.log" >&2; return 1; }
    cmake --build --preset "$preset" --target "$@" >>"build-$preset.log" 2>&1 || { tail -60 "build-$preset.log" >&2; return 1; }
}
