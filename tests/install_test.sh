#!/usr/bin/env bash
# What `cmake --install` puts in place: install_test.sh BUILD_FOLDER
set -euo pipefail
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$1" --prefix "$prefix" >/dev/null
for file in bin/persona-runner lib/systemd/system/persona-runner.service share/persona-runner/personas.json \
    share/persona-runner/personas.schema.json share/persona-runner/prices.json \
    share/persona-runner/persona-runner.env.example share/doc/persona-runner/README.md; do
    [ -f "$prefix/$file" ] || { echo "not installed: $file" >&2; exit 1; }
done
"$prefix/bin/persona-runner" --version
"$prefix/bin/persona-runner" seed --dry-run --catalog "$prefix/share/persona-runner/personas.json" | tail -1
