#!/usr/bin/env bash
# Runs the bench and writes docs/benchmarks.md; arguments go to test/bench (see its -help).
set -euo pipefail
cd "$(dirname "$0")/.."
"$(dirname "$0")/test-deps.sh"
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
if ! command -v pgbouncer >/dev/null && [ ! -x /usr/sbin/pgbouncer ]; then
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends pgbouncer >/dev/null
fi
mkdir -p .cache/bin
if [ ! -x .cache/bin/ghostunnel ]; then
  if ! command -v gcc >/dev/null; then
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null
  fi
  (cd test/bench/ghostunnel && CGO_ENABLED=1 go build -o ../../../.cache/bin/ghostunnel github.com/ghostunnel/ghostunnel)
fi
go build -o .cache/bin/bench ./test/bench
exec .cache/bin/bench "$@"
