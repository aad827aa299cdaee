#!/usr/bin/env bash
# Runs PostgreSQL's regression suite with its own program, pg_regress, in the groups of its schedule, directly and through
# `hoop connect`, each time in a fresh database, as one who may do everything and has no masks. What passes directly and
# differs through hoop stands in regress-differences.txt, each with the reason.
# Sources and headers are the distribution's. Output goes to .cache/regress/: WAY/results, WAY/regression.diffs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
hoop=${HOOP:-$root/bin/hoop} hoopd=${HOOPD:-$root/bin/hoopd}
out=$root/.cache/regress role=tester database=regression superuser=SUPERUSER
bin=/usr/lib/postgresql/15/bin program=/usr/lib/postgresql/15/lib/pgxs/src/test/regress/pg_regress
[ -x "$program" ] || { echo "error: pg_regress is missing; postgresql-client-15 has it" >&2; exit 1; }
mkdir -p "$out/source/lists/partial"
if [ ! -f "$out/source/regress.so" ]; then
  cd "$out/source"
  version=$(dpkg-query -W -f '${Version}' postgresql-15)
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $(. /etc/os-release && echo "$VERSION_CODENAME") main" >src.list
  apt=(apt-get -qq -o "Dir::Etc::sourcelist=$PWD/src.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::Lists=$PWD/lists")
  "${apt[@]}" update
  "${apt[@]}" source --download-only postgresql-15
  tar xjf postgresql-15_*.orig.tar.bz2 --wildcards '*/src/test/regress/*' --strip-components 3
  # The suite's functions in C, against the headers of the server that is installed.
  apt-get -qq download "postgresql-server-dev-15=$version"
  dpkg-deb -x postgresql-server-dev-15_*.deb dev
  include=dev/usr/include/postgresql
  gcc -shared -fPIC -O1 -I "$include/15/server" -I "$include" -o regress.so regress/regress.c
  cd - >/dev/null
fi
. "$here/free.sh"
# The server reads and writes beside the tests, as another user.
cp -r "$out/source/regress" "$state/source"
mkdir "$state/lib" && cp "$out/source/regress.so" "$(dirname "$bin")"/lib/{autoinc,refint}.so "$state/lib/"
chmod -R a+rX "$state/source" "$state/lib"

fresh() { # a database as pg_regress makes it, and nothing of the run before
  super postgres <<SQL
DROP DATABASE $database;
SELECT format('DROP TABLESPACE %I', spcname) FROM pg_tablespace WHERE spcname LIKE 'regress%' \gexec
SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname LIKE 'regress%' \gexec
CREATE DATABASE $database OWNER $role TEMPLATE template0 ENCODING UTF8 LC_COLLATE 'C' LC_CTYPE 'C';
SELECT format('ALTER DATABASE $database SET %s', s) FROM unnest(ARRAY['lc_messages TO "C"', 'lc_monetary TO "C"', 'lc_numeric TO "C"', 'lc_time TO "C"',
  'bytea_output TO hex', 'timezone_abbreviations TO "Default"']) s \gexec
SQL
}

run() { # WAY URL
  local password listens
  read -r password listens <<<"$(sed 's#^postgres://[^:]*:\([^@]*\)@[^:]*:\([0-9]*\)/.*#\1 \2#' <<<"$2")"
  fresh >/dev/null
  rm -rf "$state/build" "${out:?}/$1" && mkdir -m 777 -p "$state/build/results" "$state/build/sql" "$state/build/expected" "$state/build/testtablespace"
  (umask 000 && cd "$state/build" && PGPASSWORD=$password PGSSLMODE=disable timeout 1500 "$program" --use-existing --dbname="$database" --bindir="$bin" \
    --inputdir="$state/source" --outputdir="$state/build" --dlpath="$state/lib" --host=127.0.0.1 --port="$listens" --user="$role" \
    --schedule="$state/source/parallel_schedule" --max-concurrent-tests=20 >"$state/build/said" 2>&1) || true
  cp -r "$state/build" "$out/$1"
  # "test NAME ... ok" and, in a group, "     NAME ... ok"
  sed -n 's/^\(test\)\{0,1\} *\([a-z0-9_.]*\) *\.\.\. ok .*/\2/p' "$out/$1/said" | sort >"$out/$1.passed"
}

# What every text says that can't be read is no difference: that hoop answers, and the refusal's object.
plain() {
  sed -e 's/^\(.*ERROR:  \|last error message: \)hoop: /\1/' -e 's/\.\{0,1\} The transaction in progress is rolled back\.$//' \
    -e '/^DETAIL:  {"code":"refused","rule":"unparsable"/d' "$1"
}

run direct "$direct"
run hoop "$url"
for file in $(comm -23 "$out/direct.passed" "$out/hoop.passed"); do
  cmp -s <(plain "$out/direct/results/$file.out") <(plain "$out/hoop/results/$file.out") || echo "$file"
done >"$out/different"
sed 's/ .*//' "$here/regress-differences.txt" | sort >"$out/explained"
echo "$(wc -l <"$out/direct.passed") files pass directly, $(wc -l <"$out/different") of them differ through hoop"
[ "$(wc -l <"$out/direct.passed")" -gt 180 ] || { echo "error: too few pass directly; see $out/direct/said" >&2; exit 1; }
comm -13 "$out/different" "$out/explained" | sed 's/^/  is the same now, remove its line: /'
comm -23 "$out/different" "$out/explained" | sed 's/^/  differs, unexplained: /' | tee "$out/unexplained"
[ ! -s "$out/unexplained" ]
