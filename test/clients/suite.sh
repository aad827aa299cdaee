#!/usr/bin/env bash
# Runs the own tests of a Go driver twice, as the same user of the same database: directly, and through `hoop connect`.
# Every test that passes directly must pass through hoop, or stand in SUITE-exceptions.txt with its reason.
#   suite.sh pgx|pq [PACKAGE...]    default: all packages that talk to a server
# The tests' sources are those of the module cache. Output goes to .cache/SUITE/. Some tests watch the clock: what fails
# through hoop is run once more, alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
hoop=${HOOP:-$root/bin/hoop} hoopd=${HOOPD:-$root/bin/hoopd}
suite=${1:-}
case $suite in
pgx)
  module=github.com/jackc/pgx/v5
  version=$(cd "$root" && go list -m -f '{{.Version}}' "$module")
  packages=(pgx pgconn pgtype pgxpool stdlib)
  role=tester database=free
  ;;
pq)
  module=github.com/lib/pq version=v1.12.3
  packages=(pq hstore)
  role=pqgo database=pqgo # the names are in its tests
  ;;
*)
  sed -n '4s/^# *//p' "$0" >&2
  exit 2
  ;;
esac
shift
[ $# -eq 0 ] || packages=("$@")
out=$root/.cache/$suite
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
CREATE ROLE $role LOGIN PASSWORD '$secret';
CREATE DATABASE $database OWNER $role;
SQL
super $database <<SQL
CREATE EXTENSION hstore;
CREATE EXTENSION ltree;
CREATE DOMAIN uint64 AS numeric(20,0);
GRANT CREATE, USAGE ON SCHEMA public TO $role;
SQL
stop "$server"
(umask 077 && echo "$secret" >"$state/dev/db-free.password")
awk -v port="$port" -v role="$role" -v database="$database" '{ print } /^connections:/ {
  print "  - {name: db-free, kind: postgres, address: \"127.0.0.1:" port "\", database: " database ", tls: {mode: disable}, credential: {user: " role ", password: {file: db-free.password}}}"
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
url=$(sed -n '1s/.*"url":"\([^"]*\)".*/\1/p' "$state/events" | sed "s#//[^:]*:#//$role:#") # any user name is served
direct="postgres://$role:$secret@127.0.0.1:$port/$database?sslmode=disable"

dir=$(go mod download -json "$module@$version" | sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p')
sources() { [ "$1" = "$suite" ] && echo "$dir" || echo "$dir/$1"; } # PACKAGE: the module's root, or a folder in it

run() { # WAY PACKAGE URL [FLAG...]
  local way=$1 package=$2 url=$3 password port
  read -r password port <<<"$(sed 's#^postgres://[^:]*:\([^@]*\)@[^:]*:\([0-9]*\)/.*#\1 \2#' <<<"$url")"
  shift 3
  (cd "$(sources "$package")" &&
    PGX_TEST_DATABASE=$url PGHOST=localhost PGPORT=$port PGUSER=$role PGPASSWORD=$password PGDATABASE=$database PGSSLMODE=disable \
      timeout 900 "$out/$package.test" -test.v -test.count=1 -test.parallel=4 -test.timeout=800s "$@") >>"$out/$package.$way.log" 2>&1 || true
  sed -n 's/^ *--- PASS: \([^ ]*\) .*/\1/p' "$out/$package.$way.log" | sed 's#/tmp/[^/]*/[0-9]*/#TMP/#' | sort -u >"$out/$package.$way.passed"
}

compare() { # PACKAGE: what is lost, and not explained
  comm -23 "$out/$1.direct.passed" "$out/$1.hoop.passed" >"$out/$1.lost"
  sed 's#/.*##' "$out/$1.lost" | sort -u | comm -23 - "$out/$1.exceptions" >"$out/$1.unexplained"
}

bad=0
for package in "${packages[@]}"; do
  (cd "$(sources "$package")" && go test -c -vet=off -o "$out/$package.test" .)
  rm -f "$out/$package".{direct,hoop}.log
  run direct "$package" "$direct"
  run hoop "$package" "$url"
  sed -n "s/^$package\\/\\([^ ]*\\) .*/\\1/p" "$here/$suite-exceptions.txt" | sort -u >"$out/$package.exceptions"
  compare "$package"
  if [ -s "$out/$package.unexplained" ]; then
    run hoop "$package" "$url" -test.parallel=1 -test.run "^($(paste -sd'|' "$out/$package.unexplained"))\$"
    compare "$package"
  fi
  comm -12 "$out/$package.hoop.passed" "$out/$package.exceptions" >"$out/$package.stale"
  echo "$package: $(wc -l <"$out/$package.direct.passed") pass directly, $(wc -l <"$out/$package.hoop.passed") through hoop, $(wc -l <"$out/$package.unexplained") unexplained"
  [ "$(wc -l <"$out/$package.direct.passed")" -gt 5 ] || { echo "error: too few tests ran directly; see $out/$package.direct.log" >&2; bad=1; }
  if [ -s "$out/$package.unexplained" ]; then sed 's/^/  fails through hoop alone: /' "$out/$package.unexplained"; bad=1; fi
  if [ -s "$out/$package.stale" ]; then sed 's/^/  passes, remove its exception: /' "$out/$package.stale"; fi
done
exit $bad
