"""Calls of psycopg 3 as programs make them. What each answers is one line of JSON, so that two runs can be compared."""
import asyncio, datetime, decimal, ipaddress, json, os, threading, uuid
import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

URL = os.environ["DATABASE_URL"]

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
conn.execute("DROP TABLE calls3")
show("server", [conn.info.parameter_status(p) for p in ("client_encoding", "standard_conforming_strings", "integer_datetimes")])
conn.close()
