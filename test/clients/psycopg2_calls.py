"""Calls of psycopg 2 as programs make them. What each answers is one line of JSON, so that two runs can be compared."""
import datetime, decimal, io, json, os, threading, uuid
import psycopg2, psycopg2.extensions, psycopg2.extras, psycopg2.pool

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

cur.execute("SELECT ARRAY[[1,2],[3,NULL]], ARRAY['a,b','\"c\"',NULL]::text[], '{}'::int[], ARRAY['2026-01-02'::date]")
show("arrays", cur.fetchone())
cur.execute("SELECT int4range(1,5), '[2026-01-01,2026-02-01)'::daterange, interval '1 day 02:03:04', time '04:05', '12.50'::money, B'101', '10.0.0.0/8'::cidr, point(1,2)")
show("other types", cur.fetchone())
cur.execute("SELECT 'NaN'::float8, '-Infinity'::float8, 'infinity'::timestamptz::text, 9223372036854775807, ''::text, NULL")
show("edges", cur.fetchone())
cur.execute("CREATE TYPE mood2 AS ENUM ('sad', 'ok')")
cur.execute("CREATE TYPE pair2 AS (a int, b text)")
psycopg2.extras.register_composite("pair2", cur)
cur.execute("SELECT 'ok'::mood2, ROW(1, 'x, \"y\"')::pair2, ARRAY[ROW(2, NULL)::pair2]")
show("enum and composite", cur.fetchone())
cur.execute("DROP TYPE mood2, pair2")
with conn.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as by_name:
    by_name.execute("SELECT id, t FROM calls2 ORDER BY id LIMIT 1")
    show("by name", dict(by_name.fetchone()))
with conn.cursor(cursor_factory=psycopg2.extras.NamedTupleCursor) as tuples:
    tuples.execute("SELECT 1 AS one, 2 AS two")
    show("named tuple", tuples.fetchone()._asdict())
show("mogrify", cur.mogrify("SELECT %s, %s, %s, %s", (None, "it's", [1, 2], datetime.date(2026, 1, 1))).decode())
cur.execute("PREPARE p2 AS SELECT t FROM calls2 WHERE id = $1")
cur.execute("EXECUTE p2 (%s)", (1,))
show("prepared by hand", cur.fetchone())
cur.execute("DEALLOCATE p2")
show("status", cur.statusmessage)
cur.execute("UPDATE calls2 SET t = upper(t) WHERE t = 'batch'")
show("update", [cur.rowcount, cur.statusmessage])
cur.execute("DELETE FROM calls2 WHERE t = 'BATCH' RETURNING id")
show("delete returning", len(cur.fetchall()))
cur.execute("DECLARE by_hand SCROLL CURSOR FOR SELECT i FROM generate_series(1, 100) i")
cur.execute("FETCH ABSOLUTE 50 FROM by_hand")
show("fetch", cur.fetchone())
cur.execute("FETCH BACKWARD 2 FROM by_hand")
show("fetch backward", cur.fetchall())
cur.execute("MOVE FORWARD 10 IN by_hand")
show("move", cur.statusmessage)
cur.execute("CLOSE by_hand")
big = io.StringIO()
cur.copy_expert("COPY (SELECT i, repeat('x', 200) FROM generate_series(1, 20000) i) TO STDOUT", big)
show("a big copy out", len(big.getvalue()))
conn.commit()

class Breaks(io.StringIO):
    def read(self, size=-1):
        raise ValueError("the reader fails")

error("a copy that fails at the client", lambda: cur.copy_expert("COPY calls2 (t) FROM STDIN", Breaks()), text=False)
conn.rollback()
error("a copy that fails at the server", lambda: cur.copy_expert("COPY calls2 (n) FROM STDIN", io.StringIO("1\nno number\n")))
conn.rollback()
error("no such table", lambda: cur.execute("SELECT * FROM nowhere_at_all"))
conn.rollback()
error("no such function", lambda: cur.execute("SELECT no_such_function(1)"))
conn.rollback()
cur.execute("CREATE TEMP TABLE checked (n int CHECK (n > 0))")
error("a check", lambda: cur.execute("INSERT INTO checked VALUES (-1)"))
conn.rollback()
error("a bad cast", lambda: cur.execute("SELECT 'x'::int"))
conn.rollback()
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

with conn:
    with conn.cursor() as scoped:
        scoped.execute("INSERT INTO calls2 (t) VALUES ('scoped')")
show("a committed block", conn.get_transaction_status())
try:
    with conn:
        cur.execute("INSERT INTO calls2 (t) VALUES ('undone')")
        raise KeyError
except KeyError:
    cur.execute("SELECT count(*) FROM calls2 WHERE t = 'undone'")
    show("a block that was rolled back", cur.fetchone())
conn.commit()

pool = psycopg2.pool.ThreadedConnectionPool(1, 4, os.environ["DATABASE_URL"])
def borrow(i, got):
    c = pool.getconn()
    with c.cursor() as q:
        q.execute("SELECT %s * 2", (i,))
        got.append(q.fetchone()[0])
    c.rollback()
    pool.putconn(c)
got = []
threads = [threading.Thread(target=borrow, args=(i, got)) for i in range(4)]
for t in threads: t.start()
for t in threads: t.join()
pool.closeall()
show("a pool", sorted(got))

conn.autocommit = True
cur.execute("DO $$ BEGIN RAISE NOTICE 'noted %', 7; RAISE WARNING 'warned'; END $$")
show("raised", [n.strip() for n in conn.notices])
del conn.notices[:]
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
