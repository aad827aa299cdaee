"""Captures what clients send over the corpus' schema: runs them directly against a PostgreSQL of its own, and reads that
server's log of statements. Writes one .sql file for each client, which TestWhatClientsSendIsAnswered runs through hoop.

A SELECT of a shape that came before is left out; what else a session sent is kept, in its order. Numbers of objects (psql
and pg_dump ask for a table's columns by the table's number) stand as {oid KIND NAME}.
"""
import json, os, re, subprocess, sys, tempfile

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.abspath(os.path.join(here, "../../.."))
programs = os.path.join(here, "programs")
PORT, PASSWORD = "55998", "captured"
bins = sorted(subprocess.run("ls -d /usr/lib/postgresql/15/bin", shell=True, capture_output=True, text=True).stdout.split())[-1]

def clients():
    """The sessions of each file: a label and a command."""
    psql = [line.strip("\n") for line in open(os.path.join(programs, "psql.txt"))]
    yield "psql", [(command, ["psql", "-X", "-q", "-c", command]) for command in psql]
    yield "pg_dump", [("pg_dump", ["pg_dump"]), ("pg_dump --inserts -t users", ["pg_dump", "--inserts", "-t", "users"])]
    yield "sqlalchemy", [("program", ["/usr/bin/python3", "-W", "ignore", os.path.join(programs, "sqlalchemy_program.py")])]
    yield "django", [("program", ["/usr/bin/python3", "-W", "ignore", os.path.join(programs, "django_program.py")])]
    yield "node-postgres", [("program", ["node", "--no-deprecation", os.path.join(programs, "node_program.js")])]
    yield "pgjdbc", [("program", ["java", "-cp", "/usr/share/java/postgresql.jar", os.path.join(programs, "JdbcProgram.java")])]
    yield "metabase", [("as Metabase writes", ["psql", "-X", "-q", "-f", os.path.join(programs, "metabase.sql")])]
    yield "tpch", [("TPC-H", ["psql", "-X", "-q", "-f", os.path.join(here, "tpch-queries.sql")])]

def environment(label):
    url = "postgres://hoop:%s@127.0.0.1:%s/corpus_shown" % (PASSWORD, PORT)
    return {"PATH": os.environ["PATH"], "HOME": "/nowhere", "LANG": "C.UTF-8", "DATABASE_URL": url, "PGHOST": "127.0.0.1", "PGPORT": PORT, "PGUSER": "hoop",
            "PGPASSWORD": PASSWORD, "PGDATABASE": "corpus_shown", "PGAPPNAME": label, "NODE_PATH": os.path.join(root, ".cache/node/node_modules")}

def ask(sql, database="corpus_shown", user="postgres"):
    env = dict(os.environ, PGHOST="127.0.0.1", PGPORT=PORT, PGUSER=user, PGPASSWORD=PASSWORD, PGDATABASE=database)
    return subprocess.run(["psql", "-X", "-q", "-At", "-F", "\t", "-v", "ON_ERROR_STOP=1"], input=sql, env=env, check=True, capture_output=True, text=True).stdout

def as_nobody(command):
    subprocess.run(["su", "nobody", "-s", "/bin/sh", "-c", command], check=True, stdout=subprocess.DEVNULL)

def entries(log):
    """What the log says, in order: session, kind, text."""
    last = None
    for line in log.split("\n"):
        m = re.match(r"~(\d+)~ ([A-Z]+):  (.*)", line)
        if m:
            if last:
                yield last
            last = m.groups()
        elif last and line.startswith("\t"):
            last = (last[0], last[1], last[2] + "\n" + line[1:])
    if last:
        yield last

def statements(log):
    """Session, text, and the parameters of the extended protocol, None for the simple one."""
    kept = None
    for session, kind, text in entries(log):
        if kind == "DETAIL" and kept and kept[0] == session and text.startswith("parameters: "):
            kept[2].extend(None if null == "NULL" else value.replace("''", "'") for null, value in re.findall(r"\$\d+ = (NULL|'((?:[^']|'')*)')", text))
        if kind != "LOG":
            continue
        if kept:
            yield kept
            kept = None
        m = re.match(r"(statement|execute [^:]*): ?(.*)", text, re.S)
        if m and not m[1].startswith("execute fetch"):
            kept = (session, m[2], [] if m[1] != "statement" else None)
    if kept:
        yield kept

def shape(text):
    text = re.sub(r"'(?:[^']|'')*'", "?", text)
    text = re.sub(r"\b\d+(\.\d+)?\b", "?", text)
    text = re.sub(r"\s+", " ", text).strip(" ;").lower()
    return re.sub(r"\?( *, *\?)+", "?", text)

def numbers():
    rows = ask("""SELECT oid, 'class ' || oid::regclass FROM pg_class WHERE oid >= 16384 UNION ALL SELECT oid, 'type ' || oid::regtype FROM pg_type WHERE oid >= 16384 AND typelem = 0
        UNION ALL SELECT oid, 'proc ' || oid::regprocedure FROM pg_proc WHERE oid >= 16384 UNION ALL SELECT oid, 'database' FROM pg_database WHERE datname = current_database()
        UNION ALL SELECT oid, 'role hoop' FROM pg_roles WHERE rolname = 'hoop'""")
    return dict(line.split("\t") for line in rows.splitlines())

def main():
    with tempfile.TemporaryDirectory() as data:
        os.chmod(data, 0o711)
        os.mkdir(data + "/db")
        subprocess.run(["chown", "nobody", data + "/db"], check=True)
        with open(data + "/pw", "w") as f:
            f.write(PASSWORD)
        os.chmod(data + "/pw", 0o644)
        as_nobody("%s/initdb -D %s/db -U postgres -A scram-sha-256 --pwfile %s/pw --locale=C.UTF-8 -E UTF8" % (bins, data, data))
        options = "-p %s -k %s/db -c listen_addresses=127.0.0.1 -c fsync=off -c log_statement=all -c autovacuum=off" % (PORT, data)
        with open(data + "/db/postgresql.conf", "a") as f:
            f.write("log_line_prefix = '~%p~ '\n")
        as_nobody("%s/pg_ctl -D %s/db -o '%s' -l %s/db/log -w start" % (bins, data, options, data))
        try:
            ask("CREATE ROLE hoop LOGIN PASSWORD '%s'; CREATE DATABASE corpus_shown" % PASSWORD, "postgres")
            ask("GRANT CREATE ON SCHEMA public TO hoop; GRANT CREATE ON DATABASE corpus_shown TO hoop; ALTER DATABASE corpus_shown SET timezone = 'UTC'")
            ask(open(here + "/schema.sql").read(), user="hoop")
            ask("CREATE FUNCTION hidden(value text, mask text) RETURNS text LANGUAGE sql AS 'SELECT $1'; CREATE FUNCTION hidden(value jsonb, mask jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT $1';"
                + open(here + "/data.sql").read() + "DROP FUNCTION hidden(text, text); DROP FUNCTION hidden(jsonb, jsonb)", user="hoop")
            oids, seen = numbers(), set()
            for client, runs in clients():
                out, n = [], 0
                for label, command in runs:
                    start = os.path.getsize(data + "/db/log")
                    r = subprocess.run(command, env=environment(client), capture_output=True, text=True, timeout=120)
                    if r.returncode and client not in ("psql",):
                        sys.exit("%s: %s" % (label, r.stderr))
                    with open(data + "/db/log") as f:
                        f.seek(start)
                        log = f.read()
                    last = None
                    for session, text, values in statements(log):
                        if re.match(r"\s*(SELECT|WITH|SHOW|TABLE|VALUES)\b", text, re.I) and not re.search(r"set_config", text):
                            if shape(text) in seen:
                                continue
                        if re.fullmatch(r"ROLLBACK|COMMIT", text) and out and out[-1] == "BEGIN\n-- ;" and session == last:
                            out.pop()  # nothing new was between
                            n -= 1
                            continue
                        seen.add(shape(text))
                        text = re.sub(r"\b\d{5}\b", lambda m: "{oid %s}" % oids[m[0]] if m[0] in oids else m[0], text)
                        if session != last:
                            out.append("-- session of %s: %s" % (client, label))
                        last = session
                        if values is not None:
                            out.append("-- with " + json.dumps(values, ensure_ascii=False))
                        out.append(text.rstrip().rstrip(";").rstrip() + "\n-- ;")
                        n += 1
                with open(os.path.join(here, client + ".sql"), "w") as f:
                    f.write("-- Captured by `make corpus`; not to be edited.\n" + "\n".join(out) + "\n")
                print("%s: %d statements" % (client, n))
            print("%d shapes" % len(seen))
        finally:
            as_nobody("%s/pg_ctl -D %s/db -m fast stop" % (bins, data))

main()
