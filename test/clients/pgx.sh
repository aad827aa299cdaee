#!/usr/bin/env bash
# Runs pgx's own tests twice, as the same user of the same database: directly, and through `hoop connect`. Every test that
# passes directly must pass through hoop, or stand in pgx-exceptions.txt with its reason.
#   pgx.sh [PACKAGE...]    of: pgx pgconn pgtype pgxpool stdlib; default: all
# The tests' sources are those of the module cache. Output goes to .cache/pgx/. Some tests watch the clock: what fails
# through hoop is run once more, alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/.cache/pgx
hoop=${HOOP:-$root/bin/hoop} hoopd=${HOOPD:-$root/bin/hoopd}
packages=("$@")
[ ${#packages[@]} -gt 0 ] || packages=(pgx pgconn pgtype pgxpool stdlib)
mkdir -p "$out"
state=$(mktemp -d)
chmod 711 "$state"
server= client=

stop() { kill "$1" 2>/dev/null && wait "$1" 2>/dev/null || true; }

finish() {
  for pid in $client $server; do stop "$pid"; done
  rm -rf "$state"
}
trap finish EXIT

await() { # FILE PID: until the file has something in it
  for _ in $(seq 1200); do
    [ -s "$1" ] && return 0
    kill -0 "$2" 2>/dev/null || break
    sleep 0.1
  done
  echo "error: $1 did not come" >&2
  cat "$state/log" >&2
  return 1
}

serve() {
  "$hoopd" dev --state "$state/dev" >>"$state/log" 2>&1 &
  server=$!
  await "$state/dev/env" "$server"
}

# One role for both ways: it owns its database, and is no superuser.
serve
port=$(sed -n 's/.*"postgres": \([0-9]*\).*/\1/p' "$state/dev/dev.json")
secret=$(head -c 18 /dev/urandom | base64 | tr -d '+/=')
super() { PGPASSWORD=$(cat "$state/dev/postgres.password") psql -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U postgres -d "$1"; }
super postgres <<SQL
CREATE ROLE tester LOGIN PASSWORD '$secret';
CREATE DATABASE free OWNER tester;
SQL
super free <<'SQL'
CREATE EXTENSION hstore;
CREATE EXTENSION ltree;
CREATE DOMAIN uint64 AS numeric(20,0);
GRANT CREATE, USAGE ON SCHEMA public TO tester;
SQL
stop "$server"
(umask 077 && echo "$secret" >"$state/dev/db-free.password")
awk -v port="$port" '{ print } /^connections:/ {
  print "  - {name: db-free, kind: postgres, address: \"127.0.0.1:" port "\", database: free, tls: {mode: disable}, credential: {user: tester, password: {file: db-free.password}}}"
}' "$state/dev/hoopd.yaml" >"$state/dev/hoopd.new"
mv "$state/dev/hoopd.new" "$state/dev/hoopd.yaml"
cp "$here/policy-free.yaml" "$state/dev/policy.yaml"
chmod 600 "$state/dev/policy.yaml" "$state/dev/hoopd.yaml"
serve

# The listener is one `hoop connect` for the whole run.
. "$state/dev/env"
mkdir -p -m 700 "$state/home"
HOME=$state/home XDG_STATE_HOME=$state/home/state XDG_CONFIG_HOME=$state/home/config HOOP_ID_TOKEN=$("$hoopd" dev token dev --ttl 3h --state "$state/dev") "$hoop" connect db-free --port 0 -o ndjson >"$state/events" 2>"$state/client.log" &
client=$!
await "$state/events" "$client"
url=$(sed -n '1s/.*"url":"\([^"]*\)".*/\1/p' "$state/events")
direct="postgres://tester:$secret@127.0.0.1:$port/free?sslmode=disable"

modules=$(cd "$root" && go list -m -f '{{.Dir}}' github.com/jackc/pgx/v5)
suite() { # WAY PACKAGE URL [FLAG...]
  local way=$1 package=$2 url=$3 dir=$modules
  shift 3
  [ "$package" = pgx ] || dir=$modules/$package
  (cd "$dir" && PGX_TEST_DATABASE="$url" timeout 900 "$out/$package.test" -test.v -test.count=1 -test.parallel=4 -test.timeout=800s "$@") >>"$out/$package.$way.log" 2>&1 || true
  sed -n 's/^ *--- PASS: \([^ ]*\) .*/\1/p' "$out/$package.$way.log" | sed 's#/tmp/[^/]*/[0-9]*/#TMP/#' | sort -u >"$out/$package.$way.passed"
}

compare() { # PACKAGE: what is lost, and not explained
  comm -23 "$out/$1.direct.passed" "$out/$1.hoop.passed" >"$out/$1.lost"
  sed 's#/.*##' "$out/$1.lost" | sort -u | comm -23 - "$out/$1.exceptions" >"$out/$1.unexplained"
}

bad=0
for package in "${packages[@]}"; do
  path=github.com/jackc/pgx/v5
  [ "$package" = pgx ] || path=$path/$package
  (cd "$root" && go test -c -vet=off -o "$out/$package.test" "$path")
  rm -f "$out/$package".{direct,hoop}.log
  suite direct "$package" "$direct"
  suite hoop "$package" "$url"
  sed -n "s/^$package\\/\\([^ ]*\\) .*/\\1/p" "$here/pgx-exceptions.txt" | sort -u >"$out/$package.exceptions"
  compare "$package"
  if [ -s "$out/$package.unexplained" ]; then
    suite hoop "$package" "$url" -test.parallel=1 -test.run "^($(paste -sd'|' "$out/$package.unexplained"))\$"
    compare "$package"
  fi
  comm -12 "$out/$package.hoop.passed" "$out/$package.exceptions" >"$out/$package.stale"
  echo "$package: $(wc -l <"$out/$package.direct.passed") pass directly, $(wc -l <"$out/$package.hoop.passed") through hoop, $(wc -l <"$out/$package.unexplained") unexplained"
  [ "$(wc -l <"$out/$package.direct.passed")" -gt 10 ] || { echo "error: too few tests ran directly; see $out/$package.direct.log" >&2; bad=1; }
  if [ -s "$out/$package.unexplained" ]; then sed 's/^/  fails through hoop alone: /' "$out/$package.unexplained"; bad=1; fi
  if [ -s "$out/$package.stale" ]; then sed 's/^/  passes, remove its exception: /' "$out/$package.stale"; fi
done
exit $bad
