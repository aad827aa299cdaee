#!/usr/bin/env bash
# Installs what the tests need where it is missing: PostgreSQL with its client and pgbench, psycopg 2 and 3.
set -euo pipefail
have() { command -v "$1" >/dev/null 2>&1; }
server() { have initdb && have postgres || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
drivers() { have python3 && /usr/bin/python3 -c 'import psycopg, psycopg2' >/dev/null 2>&1; }

if server && have psql && have pgbench && drivers; then exit 0; fi
if have apt-get; then
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq >/dev/null
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends \
    postgresql postgresql-client python3 python3-psycopg python3-psycopg2 >/dev/null
elif have brew; then # written for macOS with Homebrew, and untried
  brew install postgresql@15
else
  echo "error: PostgreSQL (initdb, postgres, psql, pgbench) and Python's psycopg are needed" >&2
  echo "hint: install them with this system's packages and run make test again" >&2
  exit 1
fi
