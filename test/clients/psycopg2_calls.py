"""Calls of psycopg 2 as programs make them. What each answers is one line of JSON, so that two runs can be compared."""
import datetime, decimal, io, json, os, threading, uuid
import psycopg2, psycopg2.extensions, psycopg2.extras

def show(name, value):
    print(json.dumps({name: value}, default=str, ensure_ascii=True), flush=True)

def error(name, call, text=True):
    try:
        call()
        show(name, "no error")
    except psycopg2.Error as e:
        show(name, [type(e).__name__, e.pgcode, text and str(e).splitlines()[0]])

conn = psycopg2.connect(os.environ["DATABASE_URL"])
cur = conn.cursor()
show("transaction before", conn.get_transaction_status())
cur.execute("DROP TABLE IF EXISTS calls2")
cur.execute("CREATE TABLE calls2 (id serial PRIMARY KEY, t text, n numeric, d date, ts timestamptz, b bytea, a int[], j jsonb, u uuid, f float8, flag bool)")
conn.commit()

psycopg2.extras.register_uuid()
row = ("naïve 'quoted' \\ text", decimal.Decimal("12.340"), datetime.date(2026, 2, 3), datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc),
       b"\x00\xff'", [1, None, 3], psycopg2.extras.Json({"k": [1, {"x": None}]}), uuid.UUID(int=7), 1.5, True)
cur.execute("INSERT INTO calls2 (t, n, d, ts, b, a, j, u, f, flag) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id", row)
show("insert returning", cur.fetchone())
cur.execute("SELECT t, n, d, ts, b, a, j, u, f, flag FROM calls2 WHERE id = %(id)s", {"id": 1})
got = list(cur.fetchone())
got[4] = bytes(got[4]).hex()
show("types", got)
show("description", [(c.name, c.type_code) for c in cur.description])
cur.executemany("INSERT INTO calls2 (t, n) VALUES (%s, %s)", [("many", i) for i in range(5)])
show("executemany", cur.rowcount)
psycopg2.extras.execute_values(cur, "INSERT INTO calls2 (t, n) VALUES %s", [("values", i) for i in range(50)], page_size=20)
psycopg2.extras.execute_batch(cur, "INSERT INTO calls2 (t, n) VALUES (%s, %s)", [("batch", i) for i in range(20)])
conn.commit()
cur.execute("SELECT t, count(*), sum(n) FROM calls2 GROUP BY t ORDER BY t")
show("aggregates", cur.fetchall())

out = io.StringIO()
cur.copy_expert("COPY (SELECT t, n FROM calls2 WHERE t = 'many' ORDER BY n) TO STDOUT (FORMAT csv)", out)
show("copy out", out.getvalue())
cur.copy_from(io.StringIO("copied\t1\ncopied\t\\N\n"), "calls2", columns=("t", "n"))
show("copy in", cur.rowcount)
conn.commit()

with conn.cursor("server_side") as named:
    named.itersize = 10
    named.execute("SELECT n FROM calls2 WHERE t = 'values' ORDER BY n")
    show("server-side cursor", [str(r[0]) for r in named])
conn.commit()

error("a syntax error", lambda: cur.execute("SELEC 1"), text=False)
error("an aborted transaction", lambda: cur.execute("SELECT 1"))
conn.rollback()
error("a unique violation", lambda: cur.execute("INSERT INTO calls2 (id) VALUES (1)"))
conn.rollback()
cur.execute("SAVEPOINT s")
error("division by zero", lambda: cur.execute("SELECT 1/0"))
cur.execute("ROLLBACK TO SAVEPOINT s")
cur.execute("SELECT 'after the savepoint'")
show("savepoint", cur.fetchone())
conn.commit()

timer = threading.Timer(0.3, conn.cancel)
timer.start()
error("cancel", lambda: cur.execute("SELECT pg_sleep(60)"))
timer.join()
conn.rollback()

conn.autocommit = True
cur.execute("SELECT 1; SELECT 2")
show("several statements", cur.fetchall())
cur.execute("LISTEN calls2")
cur.execute("SELECT pg_notify('calls2', 'hello')")
cur.execute("SELECT 1")
show("notify", [(n.channel, n.payload) for n in conn.notifies])
conn.autocommit = False
conn.set_session(isolation_level="SERIALIZABLE", readonly=True)
error("a read-only transaction", lambda: cur.execute("DELETE FROM calls2"))
conn.rollback()
conn.set_session(readonly=False)
cur.execute("DROP TABLE calls2")
conn.commit()
show("notices", conn.notices)
conn.close()
