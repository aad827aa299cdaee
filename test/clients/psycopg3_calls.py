"""Calls of psycopg 3 as programs make them. What each answers is one line of JSON, so that two runs can be compared."""
import asyncio, datetime, decimal, ipaddress, json, logging, os, threading, uuid
import psycopg, psycopg.types.composite, psycopg.types.range
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

URL = os.environ["DATABASE_URL"]
logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # what it says of a broken pipeline depends on what came at once

def show(name, value):
    print(json.dumps({name: value}, default=str, ensure_ascii=True), flush=True)

def error(name, call, text=True):
    try:
        call()
        show(name, "no error")
    except psycopg.Error as e:
        show(name, [type(e).__name__, e.sqlstate, text and str(e).splitlines()[0]])

conn = psycopg.connect(URL, row_factory=dict_row)
conn.execute("DROP TABLE IF EXISTS calls3")
conn.execute("CREATE TABLE calls3 (id serial PRIMARY KEY, t text, n numeric, d date, ts timestamptz, b bytea, a int[], j jsonb, u uuid, f float8, flag bool, i inet, r int4range)")
conn.commit()

values = ("naïve 'quoted' \\ text", decimal.Decimal("12.340"), datetime.date(2026, 2, 3), datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc),
          b"\x00\xff'", [1, None, 3], Jsonb({"k": [1, {"x": None}]}), uuid.UUID(int=7), 1.5, True, ipaddress.ip_address("192.0.2.7"), psycopg.types.range.Range(1, 9))
row = conn.execute("INSERT INTO calls3 (t, n, d, ts, b, a, j, u, f, flag, i, r) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id", values).fetchone()
show("insert returning", row)
for binary in (False, True):
    cur = conn.cursor(binary=binary)
    got = cur.execute("SELECT t, n, d, ts, b, a, j, u, f, flag, i, r FROM calls3 WHERE id = %(id)s", {"id": 1}).fetchone()
    got["b"] = got["b"].hex()
    show("types, binary %s" % binary, got)
show("description", [(c.name, c.type_code) for c in cur.description])
with conn.cursor() as cur:
    cur.executemany("INSERT INTO calls3 (t, n) VALUES (%s, %s) RETURNING n", [("many", i) for i in range(5)], returning=True)
    rows = []
    while True:
        rows.append(cur.fetchone())
        if not cur.nextset():
            break
    show("executemany", rows)
for i in range(8):
    conn.execute("INSERT INTO calls3 (t, n) VALUES (%s, %s)", ("prepared", i), prepare=True)
for i in range(8):  # the sixth is prepared by itself
    conn.execute("SELECT n FROM calls3 WHERE n = %s", (i,)).fetchall()
conn.commit()
show("aggregates", conn.execute("SELECT t, count(*), sum(n) FROM calls3 GROUP BY t ORDER BY t").fetchall())

with conn.cursor() as cur:
    with cur.copy("COPY (SELECT t, n FROM calls3 WHERE t = 'many' ORDER BY n) TO STDOUT") as copy:
        show("copy out", [bytes(part).decode() for part in copy])
    with cur.copy("COPY calls3 (t, n) FROM STDIN") as copy:
        for i in range(100):
            copy.write_row(("copied", i))
    show("copy in", cur.rowcount)
    with cur.copy("COPY calls3 (t, f) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["text", "float8"])
        for i in range(10):
            copy.write_row(("binary", float(i)))
    show("binary copy in", cur.rowcount)
conn.commit()

with conn.cursor("server_side", scrollable=True) as named:
    named.itersize = 10
    named.execute("SELECT n FROM calls3 WHERE t = 'copied' ORDER BY n")
    show("server-side cursor", [str(r["n"]) for r in named.fetchmany(25)])
    named.scroll(0, mode="absolute")
    show("scrolled", named.fetchone())
conn.commit()
with conn.cursor() as cur:
    show("stream", [str(r["n"]) for r in cur.stream("SELECT n FROM calls3 WHERE t = %s ORDER BY n", ("many",))])
conn.commit()

with conn.pipeline() as pipe:
    a = conn.execute("SELECT %s::int AS x", (1,))
    b = conn.execute("INSERT INTO calls3 (t) VALUES ('piped') RETURNING t")
    pipe.sync()
    c = conn.execute("SELECT count(*) AS c FROM calls3 WHERE t = 'piped'")
    show("pipeline", [a.fetchone(), b.fetchone(), c.fetchone()])
conn.commit()

show("arrays", conn.execute("SELECT %s::int[] AS a, %s::text[] AS b, ARRAY[[1,2],[3,4]] AS c", ([1, None], ["a,b", '"c"', None])).fetchone())
for binary in (False, True):
    with conn.cursor(binary=binary) as cur:
        show("other types, binary %s" % binary, cur.execute("""SELECT int4range(1,5) AS a, daterange('2026-01-01','2026-02-01') AS b, interval '1 day 02:03:04' AS c,
            time '04:05' AS d, '10.0.0.0/8'::cidr AS e, 'NaN'::float8 AS f, 9223372036854775807 AS g, ''::text AS h, NULL AS i, 1.50::numeric(10,2) AS j, 'c'::"char" AS k""").fetchone())
conn.execute("CREATE TYPE mood3 AS ENUM ('sad', 'ok')")
conn.execute("CREATE TYPE pair3 AS (a int, b text)")
psycopg.types.composite.register_composite(psycopg.types.composite.CompositeInfo.fetch(conn, "pair3"), conn)
show("enum and composite", conn.execute("SELECT 'ok'::mood3 AS m, ROW(1, 'x, \"y\"')::pair3 AS p").fetchone())
conn.execute("DROP TYPE mood3, pair3")
conn.commit()
show("status", [conn.execute(q).statusmessage for q in ("UPDATE calls3 SET t = 'Many' WHERE t = 'many'", "DELETE FROM calls3 WHERE t = 'binary'", "SELECT 1 AS x", "SAVEPOINT x", "RELEASE x")])
conn.commit()
with conn.cursor() as cur:
    with cur.copy("COPY (SELECT i FROM generate_series(1, 30000) i) TO STDOUT (FORMAT BINARY)") as copy:
        show("a big copy out", sum(len(bytes(part)) for part in copy))
conn.commit()

def broken_copy():
    with conn.cursor().copy("COPY calls3 (n) FROM STDIN") as copy:
        copy.write("1\nno number\n")

def given_up():
    with conn.cursor().copy("COPY calls3 (n) FROM STDIN") as copy:
        copy.write("1\n")
        raise psycopg.DataError("given up")

error("a copy that fails at the server", broken_copy)
conn.rollback()
error("a copy that fails at the client", given_up)
conn.rollback()
for name, statement in {"no such table": "SELECT * FROM nowhere_at_all", "no such function": "SELECT no_such_function(1)", "a bad cast": "SELECT 'x'::int",
                        "a null": "INSERT INTO calls3 (id) VALUES (NULL)", "too long": "SELECT 'abc'::varchar(2)::int", "an unfinished text": "SELECT 1 WHERE"}.items():
    error(name, lambda: conn.execute(statement), text=name != "an unfinished text")
    conn.rollback()
try:
    conn.execute("SELECT nosuch FROM calls3")
except psycopg.Error as e:
    show("diagnostics", [e.diag.severity, e.diag.sqlstate, e.diag.message_primary, e.diag.statement_position, e.diag.message_hint])
conn.rollback()
cur = conn.cursor()
cur.executemany("UPDATE calls3 SET n = n + %s WHERE t = %s", [(1, "Many"), (2, "prepared")])
show("executemany of updates", cur.rowcount)
conn.execute("PREPARE by_hand (int) AS SELECT $1 + 1 AS x")
show("prepared by hand", conn.execute("EXECUTE by_hand (41)").fetchone())
conn.execute("DEALLOCATE by_hand")
conn.execute("DECLARE c SCROLL CURSOR FOR SELECT i FROM generate_series(1, 100) i")
show("fetch", [conn.execute("FETCH %s FROM c" % how).fetchall() for how in ("ABSOLUTE 50", "BACKWARD 2", "LAST", "NEXT")])
conn.execute("CLOSE c")
conn.commit()
show("a client-side binding", psycopg.ClientCursor(conn, row_factory=dict_row).execute("SELECT %s AS x, %s AS y", ("it's", None)).fetchone())
conn.commit()

def broken_pipeline():
    with conn.pipeline():
        conn.execute("SELECT 1")
        conn.execute("SELECT 1/0")
        conn.execute("SELECT 2")

error("an error in a pipeline", broken_pipeline)
conn.rollback()
error("a syntax error", lambda: conn.execute("SELEC 1"), text=False)
error("an aborted transaction", lambda: conn.execute("SELECT 1"))
conn.rollback()
error("a unique violation", lambda: conn.execute("INSERT INTO calls3 (id) VALUES (1)"))
conn.rollback()
try:
    with conn.transaction():
        conn.execute("INSERT INTO calls3 (t) VALUES ('kept')")
        try:
            with conn.transaction():
                conn.execute("SELECT 1/0")
        except psycopg.Error as e:
            show("inner transaction", e.sqlstate)
finally:
    show("outer transaction", conn.execute("SELECT count(*) AS c FROM calls3 WHERE t = 'kept'").fetchone())
conn.commit()

timer = threading.Timer(0.3, conn.cancel)
timer.start()
error("cancel", lambda: conn.execute("SELECT pg_sleep(60)"))
timer.join()
conn.rollback()

conn.autocommit = True
show("several statements", conn.execute("SELECT 1 AS x; SELECT 2 AS x").fetchall())
noted = []
conn.add_notice_handler(lambda d: noted.append([d.severity, d.sqlstate, d.message_primary]))
conn.execute("DO $$ BEGIN RAISE NOTICE 'noted %', 7; RAISE WARNING 'warned' USING ERRCODE = '01999'; END $$")
show("raised", noted)
notes = []
conn.add_notify_handler(lambda note: notes.append([note.channel, note.payload]))
conn.execute("LISTEN calls3")
conn.execute("SELECT pg_notify('calls3', 'hello')")
conn.execute("SELECT 1")
show("notify", notes)
show("composed", conn.execute(sql.SQL("SELECT {} AS x FROM {} LIMIT 1").format(sql.Literal("o'k"), sql.Identifier("calls3"))).fetchone())

async def asynchronous():
    async with await psycopg.AsyncConnection.connect(URL) as other:
        cur = await other.execute("SELECT count(*) FROM calls3")
        show("async", await cur.fetchone())

asyncio.run(asynchronous())
with conn.transaction(force_rollback=True):
    conn.execute("INSERT INTO calls3 (t) VALUES ('undone')")
show("rolled back", conn.execute("SELECT count(*) AS c FROM calls3 WHERE t = 'undone'").fetchone())
conn.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
conn.read_only = True
conn.autocommit = False
error("a read-only transaction", lambda: conn.execute("DELETE FROM calls3"))
conn.rollback()
conn.read_only = None
conn.autocommit = True

many = []
def own_connection(i):
    with psycopg.connect(URL) as c:
        many.append(c.execute("SELECT %s * 2", (i,)).fetchone()[0])
threads = [threading.Thread(target=own_connection, args=(i,)) for i in range(5)]
for t in threads: t.start()
for t in threads: t.join()
show("five connections", sorted(many))
conn.execute("DROP TABLE calls3")
show("server", [conn.info.parameter_status(p) for p in ("client_encoding", "standard_conforming_strings", "integer_datetimes")])
conn.close()
