#!/bin/sh
# Other people's official clients against our servers. Installs the pinned packages (with their own
# Node 22) where they are missing, then runs the tests that are named, or all.
#
#   SIM_URL=http://127.0.0.1:3999 tests/interop/run.sh anthropic
#   AUTH_URL=… AUTH_EMAIL=… AUTH_PASSWORD=… MCP_URL=…/mcp tests/interop/run.sh jose better_auth mcp
set -eu

# Another folder of pinned packages and programs, such as tests/bench/peers, or this one.
folder=$(cd "${INTEROP_SOURCES:-$(dirname "$0")}" && pwd)
# Packages may live elsewhere, so that a build leaves the sources as they are.
target=${INTEROP_DIR:-$folder}

# Tests run side by side: one installs, and what is there already is not written under a reader.
mkdir -p "$target"
exec 9<"$target"
flock 9
if [ "$target" != "$folder" ]; then
    for file in "$folder"/*.mjs "$folder"/*.json; do
        cmp -s "$file" "$target/${file##*/}" || cp "$file" "$target"/
    done
fi
cd "$target"

stamp=node_modules/.installed-$(sha256sum package-lock.json | cut -c1-16)
if [ ! -e "$stamp" ]; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    touch "$stamp"
fi
exec 9>&-

node=
for candidate in node_modules/node-linux-*/bin/node; do
    if [ -x "$candidate" ]; then node=$candidate; fi
done
if [ -z "$node" ]; then
    echo "no Node for $(uname -s) $(uname -m) among the pinned packages; see package.json" >&2
    exit 2
fi

if [ $# -eq 0 ]; then set -- anthropic jose better_auth organization openapi factors mcp mcp_2 schemas servers conformance; fi
for name in "$@"; do
    echo "# $name"
    "$node" "$name.mjs"
done
