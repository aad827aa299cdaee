#!/usr/bin/env bash
# Runs every Fuzz function of the module for a while, and says what each had of a core and tried: scripts/fuzz.sh 3s
#   scripts/fuzz.sh 60s 300 [PATTERN]   turns of 60 s with one worker, until each had 300 s of a core; PATTERN chooses by path and name
# What is new is kept in Go's cache; a crash stops the script, and its input is in testdata/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."
turn=${1:-3s} want=${2:-0} only=${3:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
one=()
[ "$want" = 0 ] || one=(-test.parallel=1)
found=0 total=0
# On a busy machine Go may call the end of its time a failure, without any input that failed.
ended() { grep -q '^    context deadline exceeded$' "$work/out" && ! grep -q 'Failing input' "$work/out"; }
TIMEFORMAT='%U %S'
while IFS=: read -r file name; do
  dir=./$(dirname "$file")
  [[ $dir/$name =~ $only ]] || continue
  found=$((found + 1)) spent=0 tried=0
  # Only the fuzzing is to be counted, not the build.
  go test -c -fuzz "^$name\$" -o "$work/fuzz.test" "$dir"
  cache=$(go env GOCACHE)/fuzz/$(go list "$dir")
  while :; do
    { time (cd "$dir" && "$work/fuzz.test" -test.run '^$' -test.fuzz "^$name\$" -test.fuzztime "$turn" -test.fuzzminimizetime 2s -test.fuzzcachedir "$cache" \
      "${one[@]}" >"$work/out" 2>&1); } 2>"$work/time" || ended || { cat "$work/out"; exit 1; }
    spent=$(awk -v before="$spent" '{ printf "%.0f", before + $1 + $2 }' "$work/time")
    inputs=$(sed -n 's/.*execs: \([0-9]*\) .*/\1/p' "$work/out" | tail -1)
    tried=$((tried + ${inputs:-0}))
    [ "$spent" -lt "$want" ] || break
  done
  total=$((total + spent))
  echo "fuzz $dir $name: $spent s of a core, $tried inputs"
done < <(git ls-files '*_test.go' | xargs grep -oE '^func Fuzz[A-Za-z0-9_]+' | sed 's/func //')
[ "$found" -gt 0 ] || { echo "no fuzz function was found"; exit 1; }
echo "$found fuzz functions held, $total s of a core"
