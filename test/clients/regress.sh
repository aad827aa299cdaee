#!/usr/bin/env bash
# Runs the files of PostgreSQL's regression suite twice, directly and through `hoop connect`, in fresh databases and in the
# order of their schedule, and compares what psql prints. Files that differ stand in regress-differences.txt with the reason.
# The sources are the distribution's (apt-get source). Output goes to .cache/regress/.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
hoop=${HOOP:-$root/bin/hoop} hoopd=${HOOPD:-$root/bin/hoopd}
out=$root/.cache/regress role=tester database=free superuser=SUPERUSER
mkdir -p "$out/source/lists/partial"
if [ ! -d "$out/source/regress" ]; then
  cd "$out/source"
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $(. /etc/os-release && echo "$VERSION_CODENAME") main" >src.list
  apt=(apt-get -qq -o "Dir::Etc::sourcelist=$PWD/src.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::Lists=$PWD/lists")
  "${apt[@]}" update
  "${apt[@]}" source --download-only postgresql-15
  tar xjf postgresql-15_*.orig.tar.bz2 --wildcards '*/src/test/regress/*' --strip-components 3
  cd - >/dev/null
fi
. "$here/free.sh"

run() { # WAY URL
  mkdir -p "$out/$1"
  for file in $(sed -n 's/^test: //p' "$out/source/regress/parallel_schedule"); do
    (cd "$out/source/regress" && PG_ABS_SRCDIR=$PWD PG_LIBDIR=/nowhere PG_DLSUFFIX=.so PGTZ=PST8PDT PGDATESTYLE='Postgres, MDY' \
      timeout 60 psql -X -a -q "$2" <"sql/$file.sql") >"$out/$1/$file.out" 2>&1 || true
  done
}

# What every refusal says of itself, a text that can't be read among them, is no difference.
plain() { sed -e 's/^\(.*ERROR:  \)hoop: /\1/' -e 's/ The transaction in progress is rolled back\.$//' -e '/^DETAIL:  {"code":"refused","rule":"unparsable"/d' "$1"; }

run direct "$direct"
PGPASSWORD=$(cat "$state/dev/postgres.password") psql -X -q -h 127.0.0.1 -p "$port" -U postgres -d postgres -c "DROP DATABASE $database" -c "CREATE DATABASE $database OWNER $role"
run hoop "$url"
sed 's/ .*//' "$here/regress-differences.txt" | sort >"$out/explained"
for file in $(sed -n 's/^test: //p' "$out/source/regress/parallel_schedule"); do
  cmp -s <(plain "$out/direct/$file.out") <(plain "$out/hoop/$file.out") || echo "$file"
done | sort >"$out/different"
echo "$(ls "$out/direct" | wc -l) files, $(wc -l <"$out/different") differ"
comm -23 "$out/different" "$out/explained" | sed 's/^/  differs, unexplained: /' | tee "$out/unexplained"
[ ! -s "$out/unexplained" ]
