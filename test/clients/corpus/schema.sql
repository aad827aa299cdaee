-- What the statements of the corpus are about: a shop, whose users have masked columns, and the tables of TPC-H, of which
-- customers and suppliers do.
CREATE TYPE status AS ENUM ('new', 'paid', 'sent');
CREATE DOMAIN amount AS numeric(10,2) CHECK (VALUE >= 0);
CREATE TABLE users (id serial PRIMARY KEY, name varchar(80) NOT NULL, email varchar(120), ssn char(11), card text, phone varchar(40), notes jsonb,
  active boolean NOT NULL DEFAULT true, created_at timestamptz NOT NULL DEFAULT '2026-01-01 00:00:00+00');
CREATE TABLE orders (id serial PRIMARY KEY, user_id int NOT NULL REFERENCES users ON DELETE CASCADE, total amount NOT NULL, state status NOT NULL DEFAULT 'new',
  placed_at timestamptz NOT NULL DEFAULT '2026-01-01 00:00:00+00', tags text[] NOT NULL DEFAULT '{}', UNIQUE (user_id, placed_at));
CREATE TABLE items (order_id int REFERENCES orders ON DELETE CASCADE, line int, product text NOT NULL, price numeric(10,2) CHECK (price > 0), quantity int DEFAULT 1,
  cost numeric GENERATED ALWAYS AS (price * quantity) STORED, PRIMARY KEY (order_id, line));
CREATE INDEX orders_placed ON orders (placed_at DESC) WHERE state <> 'sent';
CREATE INDEX users_name ON users (lower(name));
CREATE TABLE visits (at date NOT NULL, user_id int, path text) PARTITION BY RANGE (at);
CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE visits_rest PARTITION OF visits DEFAULT;
CREATE VIEW people AS SELECT id, name, email, phone FROM users WHERE active;
CREATE VIEW spending AS SELECT u.id, u.name, count(o.id) AS orders, sum(o.total) AS total FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id, u.name;
CREATE MATERIALIZED VIEW daily AS SELECT placed_at::date AS day, sum(total) AS total FROM orders GROUP BY 1 WITH NO DATA;
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER stamp BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION stamp();
COMMENT ON TABLE users IS 'people who buy';
COMMENT ON COLUMN users.email IS 'how to reach them';

CREATE TABLE region (r_regionkey int PRIMARY KEY, r_name char(25), r_comment varchar(152));
CREATE TABLE nation (n_nationkey int PRIMARY KEY, n_name char(25), n_regionkey int REFERENCES region, n_comment varchar(152));
CREATE TABLE supplier (s_suppkey int PRIMARY KEY, s_name char(25), s_address varchar(40), s_nationkey int REFERENCES nation, s_phone char(15), s_acctbal numeric(15,2), s_comment varchar(101));
CREATE TABLE part (p_partkey int PRIMARY KEY, p_name varchar(55), p_mfgr char(25), p_brand char(10), p_type varchar(25), p_size int, p_container char(10), p_retailprice numeric(15,2), p_comment varchar(23));
CREATE TABLE partsupp (ps_partkey int REFERENCES part, ps_suppkey int REFERENCES supplier, ps_availqty int, ps_supplycost numeric(15,2), ps_comment varchar(199), PRIMARY KEY (ps_partkey, ps_suppkey));
CREATE TABLE customer (c_custkey int PRIMARY KEY, c_name varchar(25), c_address varchar(40), c_nationkey int REFERENCES nation, c_phone char(15), c_acctbal numeric(15,2), c_mktsegment char(10), c_comment varchar(117));
CREATE TABLE tpch_orders (o_orderkey int PRIMARY KEY, o_custkey int REFERENCES customer, o_orderstatus char(1), o_totalprice numeric(15,2), o_orderdate date, o_orderpriority char(15), o_clerk char(15), o_shippriority int, o_comment varchar(79));
CREATE TABLE lineitem (l_orderkey int REFERENCES tpch_orders, l_partkey int, l_suppkey int, l_linenumber int, l_quantity numeric(15,2), l_extendedprice numeric(15,2), l_discount numeric(15,2), l_tax numeric(15,2), l_returnflag char(1),
  l_linestatus char(1), l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct char(25), l_shipmode char(10), l_comment varchar(44), PRIMARY KEY (l_orderkey, l_linenumber), FOREIGN KEY (l_partkey, l_suppkey) REFERENCES partsupp);
