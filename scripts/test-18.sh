#!/usr/bin/env bash
# Runs understanding, the gateway and the end-to-end tests against PostgreSQL 18, whose server npm brings; the clients are those
# installed. What needs clients of that version, or names what version 15 says, is left out: pg_dump refuses a newer server,
# and the corpus was captured from 15. Arguments go to the end-to-end tests.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
chmod 755 "$programs"
scripts/postgres.sh 18 "$programs" >/dev/null
"$programs/bin/postgres" --version
export PATH=$programs/bin:$PATH
HOOP_STATEMENTS=1000 go test -count=1 -timeout 15m ./pkg/pgsql/ ./pkg/gateway/postgres/
go test -count=1 -timeout 15m -skip 'TestDumps|TestWhatClientsSend|TestNothingRunsUnrecorded' "$@" ./test/e2e/
