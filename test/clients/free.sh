# Sourced: starts `hoopd dev` with a connection db-free to a database of its own, where everything is allowed and nothing is
# masked, and a `hoop connect` to it. Wants here, root, out, hoop, hoopd, role and database; answers direct and url. With SERVER
# its PostgreSQL is another version than the system's, as scripts/postgres.sh has it.
mkdir -p "$out"
state=$(mktemp -d)
chmod 711 "$state"
server= client=

stop() { kill "$1" 2>/dev/null && wait "$1" 2>/dev/null || true; }

finish() {
  for pid in $client $server; do stop "$pid"; done
  rm -rf "$state"
}
trap finish EXIT

await() { # FILE PID: until the file has something in it
  for _ in $(seq 1200); do
    [ -s "$1" ] && return 0
    kill -0 "$2" 2>/dev/null || break
    sleep 0.1
  done
  echo "error: $1 did not come" >&2
  cat "$state/log" >&2
  return 1
}

serve() {
  "$hoopd" dev --state "$state/dev" >>"$state/log" 2>&1 &
  server=$!
  await "$state/dev/env" "$server"
}

if [ -n "${SERVER:-}" ]; then
  PATH=$("$root/scripts/postgres.sh" "$SERVER" "$state/programs"):$PATH
fi
# One role for both ways: it owns its database, and is no superuser.
serve
port=$(sed -n 's/.*"postgres": \([0-9]*\).*/\1/p' "$state/dev/dev.json")
secret=$(head -c 18 /dev/urandom | base64 | tr -d '+/=')
super() { PGPASSWORD=$(cat "$state/dev/postgres.password") psql -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U postgres -d "$1"; }
super postgres <<SQL
CREATE ROLE $role LOGIN ${superuser:-NOSUPERUSER} PASSWORD '$secret';
CREATE DATABASE $database OWNER $role;
SQL
super $database <<SQL
CREATE EXTENSION hstore;
CREATE EXTENSION ltree;
CREATE DOMAIN uint64 AS numeric(20,0);
GRANT CREATE, USAGE ON SCHEMA public TO $role;
SQL
stop "$server"
(umask 077 && echo "$secret" >"$state/dev/db-free.password")
awk -v port="$port" -v role="$role" -v database="$database" '{ print } /^connections:/ {
  print "  - {name: db-free, kind: postgres, address: \"127.0.0.1:" port "\", database: " database ", tls: {mode: disable}, credential: {user: " role ", password: {file: db-free.password}}}"
}' "$state/dev/hoopd.yaml" >"$state/dev/hoopd.new"
mv "$state/dev/hoopd.new" "$state/dev/hoopd.yaml"
cp "$here/policy-free.yaml" "$state/dev/policy.yaml"
chmod 600 "$state/dev/policy.yaml" "$state/dev/hoopd.yaml"
serve

# The listener is one `hoop connect` for the whole run.
. "$state/dev/env"
mkdir -p -m 700 "$state/home"
HOME=$state/home XDG_STATE_HOME=$state/home/state XDG_CONFIG_HOME=$state/home/config HOOP_ID_TOKEN=$("$hoopd" dev token dev --ttl 3h --state "$state/dev") "$hoop" connect db-free --port 0 -o ndjson >"$state/events" 2>"$state/client.log" &
client=$!
await "$state/events" "$client"
url=$(sed -n '1s/.*"url":"\([^"]*\)".*/\1/p' "$state/events" | sed "s#//[^:]*:#//$role:#") # any user name is served
direct="postgres://$role:$secret@127.0.0.1:$port/$database?sslmode=disable"

