#!/usr/bin/env bash
# Runs every Fuzz function of the module for a while: scripts/fuzz.sh 3s
set -euo pipefail
cd "$(dirname "$0")/.."
found=0
while IFS=: read -r file name; do
  found=$((found + 1))
  echo "fuzz $(dirname "$file") $name"
  go test -run '^$' -fuzz "^$name\$" -fuzztime "${1:-3s}" "./$(dirname "$file")" >/tmp/hoop-fuzz.$$ 2>&1 || { cat /tmp/hoop-fuzz.$$; rm -f /tmp/hoop-fuzz.$$; exit 1; }
done < <(git ls-files '*_test.go' | xargs grep -oE '^func Fuzz[A-Za-z0-9_]+' | sed 's/func //')
rm -f /tmp/hoop-fuzz.$$
[ "$found" -gt 0 ] || { echo "no fuzz function was found"; exit 1; }
echo "$found fuzz functions held"
