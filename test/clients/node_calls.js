// Calls of node-postgres as programs make them. What each answers is one line of JSON, so that two runs can be compared.
const { Client, Pool, types } = require('pg')
const Cursor = require('pg-cursor')
const { to: copyTo, from: copyFrom } = require('pg-copy-streams')
const { pipeline } = require('stream/promises')
const { Readable, Writable } = require('stream')

const url = process.env.DATABASE_URL
const show = (name, value) => console.log(JSON.stringify({ [name]: value }))
const error = async (name, call, text = true) => {
  try {
    await call()
    show(name, 'no error')
  } catch (e) {
    show(name, [e.severity, e.code, text && e.message, text && e.detail, text && e.position, e.constraint, e.table])
  }
}
const collect = (into) => new Writable({ write(chunk, _, done) { into.push(chunk); done() } })

async function main() {
  const c = new Client({ connectionString: url })
  const notices = [], notes = []
  c.on('notice', (n) => notices.push([n.severity, n.code, n.message]))
  c.on('notification', (n) => notes.push([n.channel, n.payload]))
  await c.connect()
  const q = async (text, values) => (await c.query(text, values)).rows
  await q('DROP TABLE IF EXISTS node_calls')
  await q('DROP TYPE IF EXISTS node_mood')
  await q("CREATE TYPE node_mood AS ENUM ('sad', 'ok')")
  await q("CREATE TABLE node_calls (id serial PRIMARY KEY, t text UNIQUE, n numeric(10,2) CHECK (n >= 0), d date, ts timestamptz, b bytea, a int[], j jsonb, u uuid, f float8, flag bool, m node_mood)")

  const values = ["naïve 'quoted' \\ text", '12.34', '2026-02-03', new Date(Date.UTC(2026, 1, 3, 4, 5, 6)), Buffer.from([0, 255, 39]), [1, null, 3], { k: [1, { x: null }] }, '00000000-0000-0000-0000-000000000007', 1.5, true, 'ok']
  show('insert returning', await q('INSERT INTO node_calls (t, n, d, ts, b, a, j, u, f, flag, m) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id', values))
  show('types', await q('SELECT t, n, d::text, ts, b, a, j, u, f, flag, m FROM node_calls WHERE id = $1', [1]))
  const described = await c.query({ text: 'SELECT id, t, n, m FROM node_calls', rowMode: 'array' })
  show('described', [described.command, described.rowCount, described.fields.map((f) => [f.name, f.columnID, f.dataTypeSize, f.dataTypeModifier, f.format])])
  show('rows as arrays', described.rows)
  show('binary', await (await c.query({ text: 'SELECT 1::int AS i, true AS b, 1.5::float8 AS f', binary: true })).rows)
  show('arrays', await q("SELECT ARRAY[[1,2],[3,NULL]] AS a, ARRAY['a,b', '\"c\"', NULL]::text[] AS b, '{}'::int[] AS c, ARRAY['2026-01-02'::date]::text[] AS d"))
  show('array parameter', await q('SELECT id FROM node_calls WHERE id = ANY($1::int[])', [[1, 2, 3]]))
  show('other types', await q("SELECT int4range(1,5) AS a, interval '1 day 02:03:04' AS b, time '04:05' AS c, '10.0.0.0/8'::cidr AS d, point(1,2) AS e, 9223372036854775807 AS f, 'NaN'::float8::text AS g, ''::text AS h, NULL AS i, B'101' AS k"))
  show('json', await q("SELECT $1::jsonb AS j, to_jsonb(ARRAY[1,2]) AS a", [JSON.stringify([1, 'two'])]))

  for (let i = 0; i < 3; i++) show('prepared ' + i, await q({ name: 'by-name', text: 'SELECT $1::int + 1 AS x', values: [i] }))
  await error('a name for another text', () => c.query({ name: 'by-name', text: 'SELECT 2' }))
  show('many', (await Promise.all([...Array(20).keys()].map((i) => c.query('INSERT INTO node_calls (t, n) VALUES ($1, $2)', ['many ' + i, i])))).length)
  show('several statements', (await c.query('SELECT 1 AS x; SELECT 2 AS y; UPDATE node_calls SET flag = false WHERE n > 15')).map((r) => [r.command, r.rowCount, r.rows]))
  show('an empty text', (await c.query('')).rows)
  show('update', (await c.query('UPDATE node_calls SET flag = true WHERE n > 10')).rowCount)
  show('delete', (await c.query('DELETE FROM node_calls WHERE n > 15 AND t <> $1 RETURNING n', ['x'])).rows.length)
  show('aggregates', await q('SELECT flag, count(*), sum(n) FROM node_calls GROUP BY flag ORDER BY flag NULLS FIRST'))

  const cursor = c.query(new Cursor('SELECT i FROM generate_series(1, 25) i'))
  show('cursor', [await cursor.read(10), await cursor.read(10), await cursor.read(10), await cursor.read(10)].map((r) => r.length))
  const early = c.query(new Cursor('SELECT i FROM generate_series($1::int, $2::int) i', [1, 1000]))
  show('an early end', (await early.read(3)).map((r) => r.i))
  await early.close()
  await q('BEGIN')
  await q('DECLARE by_hand SCROLL CURSOR FOR SELECT i FROM generate_series(1, 100) i')
  show('fetch', [await q('FETCH ABSOLUTE 50 FROM by_hand'), await q('FETCH BACKWARD 2 FROM by_hand'), (await c.query('MOVE FORWARD 10 IN by_hand')).rowCount])
  await q('COMMIT')

  const out = []
  await pipeline(c.query(copyTo("COPY (SELECT t, n FROM node_calls WHERE n < 3 ORDER BY n) TO STDOUT (FORMAT csv, HEADER)")), collect(out))
  show('copy out', Buffer.concat(out).toString())
  const big = []
  await pipeline(c.query(copyTo("COPY (SELECT i, repeat('x', 200) FROM generate_series(1, 20000) i) TO STDOUT")), collect(big))
  show('a big copy out', Buffer.concat(big).length)
  const binary = []
  await pipeline(c.query(copyTo('COPY (SELECT 1::int) TO STDOUT (FORMAT binary)')), collect(binary))
  show('a binary copy out', Buffer.concat(binary).toString('hex'))
  const copying = c.query(copyFrom('COPY node_calls (t, n) FROM STDIN'))
  await pipeline(Readable.from([...Array(500).keys()].map((i) => `copied ${i}\t${i}\n`)), copying)
  show('copy in', copying.rowCount)
  await error('a copy that fails at the server', () => pipeline(Readable.from(['x\tno number\n']), c.query(copyFrom('COPY node_calls (t, n) FROM STDIN'))))
  show('after it', await q('SELECT count(*) FROM node_calls'))

  await error('a syntax error', () => q('SELEC 1'), false)
  await error('no such table', () => q('SELECT * FROM nowhere_at_all'))
  await error('no such column', () => q('SELECT nosuch FROM node_calls WHERE id = $1', [1]))
  await error('a unique violation', () => q('INSERT INTO node_calls (id) VALUES (1)'))
  await error('a check', () => q('INSERT INTO node_calls (n) VALUES ($1)', [-1]), false)
  await error('a bad parameter', () => q('SELECT $1::int', ['x']))
  await error('too few parameters', () => q('SELECT $1::int, $2::int', [1]))
  await error('division by zero', () => q('SELECT 1 / $1::int', [0]))
  await q('BEGIN ISOLATION LEVEL SERIALIZABLE')
  await error('in a transaction', () => q('SELECT 1/0'))
  await error('an aborted transaction', () => q('SELECT 1'))
  show('rollback', (await c.query('COMMIT')).command)
  await q('BEGIN')
  await q('SAVEPOINT s')
  await error('behind a savepoint', () => q('SELECT 1/0'))
  await q('ROLLBACK TO SAVEPOINT s')
  show('savepoint', await q("SELECT 'after the savepoint' AS x"))
  await q('COMMIT')
  await q('BEGIN READ ONLY')
  await error('a read-only transaction', () => q('DELETE FROM node_calls'))
  await q('ROLLBACK')

  const pid = c.processID
  const canceller = new Client({ connectionString: url })
  const sleeping = error('cancel', () => q('SELECT pg_sleep(60)'))
  await new Promise((done) => setTimeout(done, 300))
  canceller.cancel(c, c.activeQuery)
  await sleeping
  show('the process', pid === (await q('SELECT pg_backend_pid() AS pid'))[0].pid)
  await q("SET statement_timeout = '50ms'")
  await error('a time-out', () => q('SELECT pg_sleep(10)'))
  await q('RESET statement_timeout')

  notices.length = 0
  await q("DO $$ BEGIN RAISE NOTICE 'noted %', 7; RAISE WARNING 'warned'; END $$")
  show('raised', notices)
  await q('LISTEN node_calls')
  await q("SELECT pg_notify('node_calls', 'hello')")
  await q('SELECT 1')
  show('notify', notes)
  show('metadata', await q("SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position", ['node_calls']))

  const pool = new Pool({ connectionString: url, max: 4 })
  show('a pool', (await Promise.all([...Array(12).keys()].map((i) => pool.query('SELECT $1::int * 2 AS x', [i])))).map((r) => r.rows[0].x))
  const borrowed = await pool.connect()
  await borrowed.query('BEGIN')
  await borrowed.query("INSERT INTO node_calls (t) VALUES ('undone')")
  show('not seen elsewhere', (await pool.query("SELECT count(*) FROM node_calls WHERE t = 'undone'")).rows)
  await borrowed.query('ROLLBACK')
  borrowed.release()
  await pool.end()
  await q('DROP TABLE node_calls')
  await q('DROP TYPE node_mood')
  await c.end()
}

main().catch((e) => {
  console.error(e)
  process.exit(1)
})
