#!/usr/bin/env bash
# Runs the own tests of a Go driver twice, as the same user of the same database: directly, and through `hoop connect`.
# Every test that passes directly must pass through hoop, or stand in SUITE-exceptions.txt, or SUITE-exceptions-SERVER.txt, with its reason.
#   suite.sh pgx|pq [PACKAGE...]    default: all packages that talk to a server; SERVER=18: against that version
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
out=$root/.cache/$suite${SERVER:-}
exceptions=("$here/$suite-exceptions.txt")
[ ! -f "$here/$suite-exceptions-${SERVER:-}.txt" ] || exceptions+=("$here/$suite-exceptions-$SERVER.txt")
. "$here/free.sh"

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
  sed -n "s/^$package\\/\\([^ ]*\\) .*/\\1/p" "${exceptions[@]}" | sort -u >"$out/$package.exceptions"
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
