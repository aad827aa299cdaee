#!/usr/bin/env bash
# Tells the story of hoop in this terminal, with the real programs, a real PostgreSQL and their real output: `make demo`.
# It needs Go and git, installs PostgreSQL and curl where they are missing, asks nothing, ends by itself and leaves
# nothing behind but those packages. KEEP=1 stays up until Ctrl-C and says how to go on.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/bin
work=
hoopd=
held=

# --- the frame: what is said, what is checked, what is taken away again -----------------------------------------------

bold= dim= off=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'; fi
chapter() { printf '\n%s── %s%s\n' "$bold" "$*" "$off"; }
say() { printf '%s%s%s\n' "$dim" "$*" "$off"; }
shown() { printf '\n%s%s $ %s%s\n' "$bold" "$1" "$2" "$off"; }
fail() {
  printf '\ndemo: %s\n' "$*" >&2
  if [ -n "$work" ] && [ -s "$work/hoopd.log" ]; then
    printf '\nThe last lines of hoopd:\n' >&2
    tail -n 15 "$work/hoopd.log" >&2
  fi
  exit 1
}

# over ends every process that this script started, by its id, and removes its one folder.
over() {
  local status=$?
  trap - EXIT HUP INT TERM
  if [ -n "$held" ]; then kill "$held" 2>/dev/null || true; fi
  if [ -n "$hoopd" ]; then end "$hoopd" || true; fi
  if [ -n "$work" ]; then rm -rf "$work"; fi
  exit "$status"
}

# end asks a process to stop, and waits for it: half a minute, then it is made to, and its PostgreSQL with it; its sshd
# goes by itself.
end() {
  local database=
  [ ! -s "$work/dev/postgres/data/postmaster.pid" ] || database=$(head -n 1 "$work/dev/postgres/data/postmaster.pid")
  kill -TERM "$1" 2>/dev/null || true
  for _ in $(seq 300); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL "$1" 2>/dev/null || true
  [ -z "$database" ] || kill -INT "$database" 2>/dev/null || true
}

# until_true tries a condition ten times a second, and fails the demo after so many seconds.
until_true() {
  local seconds=$1 what=$2
  shift 2
  for _ in $(seq $((seconds * 10))); do
    if "$@"; then return 0; fi
    sleep 0.1
  done
  fail "$what did not happen within $seconds seconds"
}

# as runs a command as one of the people: a folder of their own, and nothing of this shell's environment.
as() {
  local who=$1
  shift
  mkdir -p "$work/$who"
  (cd "$work/$who" && exec env -i PATH="$bin:$PATH" HOME="$work/$who" TERM="${TERM:-dumb}" LC_ALL=C.UTF-8 PSQLRC=/dev/null \
    HOOP_BROKER="$HOOP_BROKER" HOOP_CA_FILE="$HOOP_CA_FILE" HOOP_TOKEN_STORE=file "$@")
}

# run shows a command and its output, which stays in $work/last, and holds it to an exit code.
run() {
  local who=$1 code=$2 text=$3 got=0
  shift 3
  shown "$who" "$text"
  as "$who" "$@" 2>&1 | tee "$work/last" || got=${PIPESTATUS[0]}
  [ "$got" = "$code" ] || fail "that ended with exit code $got; $code was expected"
}

# expect and never look at the output of the last command.
expect() { grep -qE -- "$1" "$work/last" || fail "its output should have a line that fits: $1"; }
never() { if grep -qE -- "$1" "$work/last"; then fail "its output must not have: $1"; fi; }

# --- what it needs ----------------------------------------------------------------------------------------------------

have() { command -v "$1" >/dev/null 2>&1; }
server() { { have initdb && have postgres; } || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }

needs() {
  if server && have psql && have curl; then return; fi
  if have apt-get; then
    say "Installing PostgreSQL and curl, once, from the distribution's packages ..."
    local root=
    [ "$(id -u)" = 0 ] || { root=sudo && have sudo; } || fail "sudo is missing: as root, apt-get install postgresql postgresql-client curl"
    { $root apt-get update && $root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y --no-install-recommends postgresql postgresql-client curl; } >/dev/null 2>"$work/apt.log" ||
      { cat "$work/apt.log" >&2; fail "apt-get could not install PostgreSQL and curl"; }
  elif have brew; then # macOS: written, and not tried
    say "Installing PostgreSQL, once, by Homebrew ..."
    brew install postgresql@17 >&2
    PATH=$(brew --prefix postgresql@17)/bin:$PATH
  else
    fail "PostgreSQL (initdb, postgres, psql) and curl are needed: install them with this system's packages, and run make demo again"
  fi
}

# --- the people and the database --------------------------------------------------------------------------------------

# heading is what a page of the sign-in says it is.
heading() { sed -n 's:.*<h1>\(.*\)</h1>.*:\1:p'; }
page() { curl -sS --fail --noproxy '*' --max-time 10 "$@"; }

has_code() { grep -q '^waiting' "$work/$1.login"; }

# open_page is the person at the browser: opens the address, types the code, says who they are, confirms.
open_page() {
  local who=$1 url code
  url=$(grep -oE 'https?://[^ ]+/device' "$work/$who.login" | head -n 1)
  code=$(grep -oE '\b[A-Z0-9]{4}-[A-Z0-9]{4}\b' "$work/$who.login" | head -n 1)
  opened=$(page "$url" | heading)
  asked=$(page "$url" -d user_code="$code" -d account="$who" | heading)
  done=$(page "$url/confirm" -d user_code="$code" -d account="$who" -d decision=approve | heading)
  [ "$done" = "Signed in" ] || fail "the sign-in page says '$done' instead of 'Signed in'"
  address=$url typed=$code
}

# sign_in runs `hoop login` for somebody, and plays the person.
sign_in() {
  local who=$1 pid
  : >"$work/$who.login"
  as "$who" hoop login >"$work/$who.signed" 2>"$work/$who.login" &
  pid=$!
  until_true 20 "the code of hoop login" has_code "$who"
  open_page "$who"
  wait "$pid" || { cat "$work/$who.login" >&2; fail "hoop login of $who did not succeed"; }
}

# directly asks the database itself, past hoop, as its administrator.
directly() {
  shown "the database itself" "psql -c \"$1\""
  PGPASSWORD=$(cat "$work/dev/postgres.password") psql -X -h 127.0.0.1 -p "$database_port" -U postgres -d app -c "$1" 2>&1 | tee "$work/last"
}

# --- the story --------------------------------------------------------------------------------------------------------

start() {
  chapter "One machine: a broker, a gateway, a sign-in provider and a PostgreSQL"
  shown "server" "hoopd dev"
  "$bin/hoopd" dev --state "$work/dev" --log-format json >"$work/hoopd.out" 2>"$work/hoopd.log" &
  hoopd=$!
  # shellcheck disable=SC2329 # called by name
  is_ready() { [ -s "$work/dev/env" ] || ! kill -0 "$hoopd" 2>/dev/null; }
  until_true 120 "the start of hoopd dev" is_ready
  [ -s "$work/dev/env" ] || fail "hoopd dev did not start"
  cat "$work/hoopd.out" "$work/hoopd.log" | sed -n '/^hoopd dev is ready/,/^ *sign-in page/p'
  # shellcheck disable=SC1091
  . "$work/dev/env"
  database_port=$(sed -n 's/.*"postgres": *\([0-9]*\).*/\1/p' "$work/dev/dev.json")
  [ -n "$database_port" ] || fail "hoopd dev did not say where its PostgreSQL is"
}

signing_in() {
  chapter "Sign-in: a page and a code. No database password, here or anywhere on this side"
  shown dev "hoop login"
  sign_in dev
  cat "$work/dev.login"
  say "  (the person opens $address: \"$opened\","
  say "   types $typed, says who they are: \"$asked\", confirms: \"$done\")"
  cat "$work/dev.signed"
  grep -q 'developers' "$work/dev.signed" || fail "hoop login did not say who is signed in"
  run dev 0 "hoop whoami" hoop whoami
  expect 'user: +dev$'
  run dev 0 "hoop ls" hoop ls
  cp "$work/last" "$work/dev.reach"
  expect '^db-prod +postgres'
  say
  say "The others sign in the same way: dba, privacy and security."
  for who in dba privacy security; do sign_in "$who"; done
}

masking() {
  local ask='SELECT id, name, email, ssn, card FROM users ORDER BY id LIMIT 4'
  chapter "An ordinary psql, a real database, and nobody's personal data"
  run dev 0 "hoop connect db-prod -- psql -c '$ask'" hoop connect db-prod -- psql -c "$ask"
  expect '\*\*\*'
  never '@'
  say "PostgreSQL itself computes on the masks. A condition, an order or a join learns nothing either:"
  ask="SELECT count(*) FROM users WHERE ssn LIKE '1%'"
  run dev 0 "hoop connect db-prod -- psql -c \"$ask\"" hoop connect db-prod -- psql -c "$ask"
  expect '^ +0$'
  say "The privacy team, by the same command, sees what is there:"
  ask='SELECT id, name, email, ssn FROM users ORDER BY id LIMIT 2'
  run privacy 0 "hoop connect db-prod -- psql -c '$ask'" hoop connect db-prod -- psql -c "$ask"
  expect '@'
}

refusal() {
  chapter "What no rule allows is refused, and the session goes on"
  run dev 0 "hoop connect db-prod -- psql -c 'DROP TABLE orders' -c 'SELECT count(*) FROM orders'" \
    hoop connect db-prod -- psql -c 'DROP TABLE orders' -c 'SELECT count(*) FROM orders'
  expect 'ERROR: +hoop: '
  expect '\(1 row\)'
  shown "the database itself" "grep -c 'DROP TABLE' log      # it logs every statement that reaches it"
  if grep 'DROP TABLE' "$work/dev/postgres/log"; then fail "the refused statement reached the database"; fi
  echo 0
}

# is_held: the request is in the reviewer's list, and what the requester sees has not grown since the last look.
is_held() {
  local before=$seen
  seen=$(wc -l <"$work/held")
  [ "$seen" -gt 0 ] && [ "$seen" = "$before" ] && as dba hoop approvals ls --state pending 2>/dev/null | tee "$work/pending" | grep -q '^ap_'
}

approval() {
  local delete='DELETE FROM orders WHERE user_id = 42' count='SELECT count(*) FROM orders WHERE user_id = 42' id digest lines before
  chapter "A DELETE waits for a second person, who sees exactly what will run"
  directly "$count"
  before=$(sed -n '3s/ //gp' "$work/last")
  [ "$before" -gt 0 ] || fail "the sample data has no orders of user 42"

  shown dev "hoop connect db-prod -- psql -c '$delete'"
  : >"$work/held"
  seen=0
  as dev hoop connect db-prod -- psql -c "$delete" >"$work/held" 2>&1 &
  held=$!
  until_true 30 "the request for an approval" is_held
  lines=$seen
  head -n "$lines" "$work/held"
  say "  (psql waits)"
  directly "$count"
  [ "$(sed -n '3s/ //gp' "$work/last")" = "$before" ] || fail "rows went before anybody approved"

  run dba 0 "hoop approvals ls" hoop approvals ls
  id=$(awk '/pending/ { print $1; exit }' "$work/pending")
  run dba 0 "hoop approvals show $id" hoop approvals show "$id"
  expect "^ +$delete"
  digest=$(awk '/^digest:/ { print $2 }' "$work/last")
  shown dba "hoop approvals approve $id --digest ${digest:0:8}… --comment 'checked with support'"
  as dba hoop approvals approve "$id" --digest "$digest" --comment 'checked with support' >"$work/last" 2>"$work/approve.err" ||
    { cat "$work/approve.err" >&2; fail "the approval did not go through"; }
  cat "$work/last"
  expect 'state: +approved'

  shown dev "…and psql goes on:"
  wait "$held" || fail "the approved DELETE ended with exit code $?"
  held=
  tail -n "+$((lines + 1))" "$work/held"
  grep -q "^DELETE $before\$" "$work/held" || fail "the DELETE should have said DELETE $before"
  directly "$count"
  [ "$(sed -n '3s/ //gp' "$work/last")" = 0 ] || fail "the rows are still there"
}

recordings() {
  local refused deleted size at old
  chapter "Everything was recorded, as it was seen: masked, chained and signed"
  run security 0 "hoop sessions ls" hoop sessions ls
  refused=$(awk '$3 == "dev" && $NF == 1 { print $1; exit }' "$work/last")
  deleted=$(awk '$3 == "dev" { print $1; exit }' "$work/last")
  [ -n "$refused" ] && [ -n "$deleted" ] || fail "the sessions of dev are not in the list"
  run security 0 "hoop sessions replay $refused" hoop sessions replay "$refused" --speed 10
  expect 'DROP TABLE orders'
  expect 'REFUSED'
  run security 0 "hoop sessions replay $deleted" hoop sessions replay "$deleted" --speed 10
  expect 'approved by dba'
  run security 0 "hoop sessions verify $deleted" hoop sessions verify "$deleted"
  expect 'state: +sealed'

  chapter "One changed byte in a copy is found, by anybody who has the public key"
  run security 0 "hoop sessions export $deleted --format hrec >copy.hrec" \
    sh -c "hoop sessions export '$deleted' --format hrec >copy.hrec"
  size=$(wc -c <"$work/security/copy.hrec")
  at=$((size / 2))
  old=$(od -An -tu1 -j "$at" -N 1 "$work/security/copy.hrec" | tr -d ' ')
  # shellcheck disable=SC2059 # the byte is made by the format
  printf "\\$(printf %03o $(((old + 1) % 256)))" | dd of="$work/security/copy.hrec" bs=1 seek="$at" conv=notrunc 2>/dev/null
  say "  (byte $at of $size: $old becomes $(((old + 1) % 256)))"
  cp "$work/dev/state/recordings/keys.json" "$work/security/keys.json"
  run security 14 "hoop sessions verify copy.hrec --keys keys.json" hoop sessions verify copy.hrec --keys keys.json
  expect 'state: +damaged'
  say "Exit code 14."
}

host() {
  local app=$work/dev/web-1/app id digest lines session
  if ! grep -q '^web-1 ' "$work/dev.reach" || ! have ssh; then
    say
    say "(No host is shown: sshd or ssh is not installed here; on Debian: apt-get install openssh-server openssh-client.)"
    return
  fi
  chapter "A host, by ordinary ssh: a command line is judged by what it runs"
  run dev 0 "hoop connect web-1 -- ssh web-1 'tail -n 3 $app/app.log | sort'" \
    hoop connect web-1 -- ssh web-1 "tail -n 3 $app/app.log | sort"
  expect 'order 1817 was not saved'
  run dev 126 "hoop connect web-1 -- ssh web-1 'curl https://example.com/setup | sh'" \
    hoop connect web-1 -- ssh web-1 'curl https://example.com/setup | sh'
  expect '^hoop: no rule allows'
  say "Exit code 126. What changes something waits for a second person, as in the database:"

  shown dev "hoop connect web-1 -- ssh web-1 'rm $app/cache.old'"
  : >"$work/held"
  seen=0
  as dev hoop connect web-1 -- ssh web-1 "rm $app/cache.old" >"$work/held" 2>&1 &
  held=$!
  until_true 30 "the request for an approval" is_held
  lines=$seen
  cat "$work/held"
  [ -e "$app/cache.old" ] || fail "the file went before anybody approved"
  id=$(awk '/pending/ { print $1; exit }' "$work/pending")
  digest=$(as dba hoop approvals show "$id" | awk '/^digest:/ { print $2 }')
  run dba 0 "hoop approvals approve $id --digest ${digest:0:8}…" hoop approvals approve "$id" --digest "$digest"
  expect 'state: +approved'
  shown dev "…and ssh goes on:"
  wait "$held" || fail "the approved rm ended with exit code $?"
  held=
  tail -n "+$((lines + 1))" "$work/held"
  [ ! -e "$app/cache.old" ] || fail "the file is still there"
  session=$(as security hoop sessions ls | awk '$2 == "web-1" && $3 == "dev" && !found++ { print $1 }')
  run security 0 "hoop sessions replay $session" hoop sessions replay "$session" --speed 10
  expect 'cache.old'
}

service() {
  if ! have curl; then
    say
    say "(No service is shown: curl is not installed here.)"
    return
  fi
  chapter "An HTTP service, by ordinary curl: requests are judged by method and path"
  run dev 0 "hoop connect status -- sh -c 'curl -s \"\$HOOP_URL/readyz\"'" hoop connect status -- sh -c 'curl -s "$HOOP_URL/readyz"'
  expect '"ready":true'
  run dev 0 "hoop connect status -- sh -c 'curl -s \"\$HOOP_URL/debug/pprof\"'" hoop connect status -- sh -c 'curl -s "$HOOP_URL/debug/pprof"'
  expect 'no rule allows dev the effect read on /debug/pprof'
}

# stay keeps everything up until Ctrl-C.
stay() {
  for who in dev dba privacy security; do
    cat >"$work/as-$who" <<EOF
export PATH='$bin':"\$PATH" HOME='$work/$who' HOOP_BROKER='$HOOP_BROKER' HOOP_CA_FILE='$HOOP_CA_FILE' HOOP_TOKEN_STORE=file
unset XDG_STATE_HOME XDG_CONFIG_HOME
PS1='$who \$ '
cd "\$HOME"
EOF
  done
  chapter "It stays up. In other terminals:"
  cat <<EOF
  . $work/as-dev              # be dev; also as-dba, as-privacy, as-security
  hoop connect db-prod -- psql
  hoop connect web-1 -- ssh web-1 uptime       # where sshd is installed
  hoop connect status -- sh -c 'curl -s "\$HOOP_URL/metrics"'
  hoop can db-prod "UPDATE orders SET total = 0 WHERE id = 3"
  hoop approvals ls                            # as dba
  hoop lock dev --reason 'leaves the team'     # as security: dev's sessions end within a second

  \$EDITOR $work/dev/policy.yaml      # a change is in force within a second

Ctrl-C here stops it all and removes $work.
EOF
  trap 'exit 0' INT TERM
  wait "$hoopd" || true
  fail "hoopd dev ended by itself"
}

# PostgreSQL does not run as root, and its own user has to get to its folder.
if [ "$(id -u)" = 0 ]; then
  work=$(mktemp -d /tmp/hoop-demo.XXXXXX)
  chmod 711 "$work"
else
  work=$(mktemp -d "${TMPDIR:-/tmp}/hoop-demo.XXXXXX")
fi
trap over EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
umask 077
[ -x "$bin/hoop" ] && [ -x "$bin/hoopd" ] || fail "bin/hoop and bin/hoopd are not built: run make demo"

needs
began=$SECONDS
start
signing_in
masking
refusal
approval
recordings
host
service
if [ -n "${KEEP:-}" ] && [ "$KEEP" != 0 ]; then stay; fi
chapter "That was it, in $((SECONDS - began)) seconds: all is stopped and removed. KEEP=1 make demo stays up."
