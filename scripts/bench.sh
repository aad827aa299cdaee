#!/usr/bin/env bash
# Runs the bench and writes docs/benchmarks.md; arguments go to test/bench (see its -help).
set -euo pipefail
cd "$(dirname "$0")/.."
"$(dirname "$0")/test-deps.sh"
if ! command -v pgbouncer >/dev/null && [ ! -x /usr/sbin/pgbouncer ]; then
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends pgbouncer >/dev/null
fi
mkdir -p .cache/bin
go build -o .cache/bin/bench ./test/bench
exec .cache/bin/bench "$@"
