#!/usr/bin/env bash
# What `cmake --install` puts in place: install_test.sh BUILD_FOLDER
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
prefix=$folder/prefix
cmake --install "$1" --prefix "$prefix" >/dev/null
for file in bin/persona-runner lib/systemd/system/persona-runner.service share/persona-runner/personas.json \
    share/persona-runner/personas.schema.json share/persona-runner/prices.json \
    share/persona-runner/persona-runner.env.example share/doc/persona-runner/README.md; do
    [ -f "$prefix/$file" ] || { echo "not installed: $file" >&2; exit 1; }
done
# Every link of the documents leads to a document.
doc=$prefix/share/doc/persona-runner
while IFS=: read -r from link; do
    [ -e "$(dirname "$from")/${link%%#*}" ] || { echo "$from links to $link, which is not installed" >&2; exit 1; }
done < <(grep -rohE --with-filename '\]\([^)#][^):]*\)' "$doc" | sed -E 's/\]\(([^)]*)\)/\1/')
"$prefix/bin/persona-runner" --version
"$prefix/bin/persona-runner" seed --dry-run --catalog "$prefix/share/persona-runner/personas.json" | tail -1

# The unit starts the binary of its own prefix, also when a package is staged elsewhere.
starts() {
    grep -qx "ExecStart=$2/bin/persona-runner serve" "$1" && grep -q "file://$2/share/doc/" "$1" ||
        { echo "$1 does not start $2/bin/persona-runner:" >&2; grep ExecStart "$1" >&2; exit 1; }
}
starts "$prefix/lib/systemd/system/persona-runner.service" "$prefix"
for to in /usr /usr/local /opt/persona; do
    DESTDIR=$folder/stage cmake --install "$1" --prefix "$to" >/dev/null
    starts "$folder/stage$to/lib/systemd/system/persona-runner.service" "$to"
done
