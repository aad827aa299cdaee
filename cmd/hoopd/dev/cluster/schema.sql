CREATE TABLE users (
  id    integer PRIMARY KEY,
  name  text NOT NULL,
  email text,
  ssn   text,
  card  text,
  phone text,
  notes jsonb
);
COMMENT ON TABLE users IS 'Synthetic people of hoopd dev. Nobody here exists.';
CREATE TABLE orders (
  id      integer PRIMARY KEY,
  user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
  item    text NOT NULL,
  total   numeric(10,2) NOT NULL,
  placed  timestamptz NOT NULL
);
CREATE INDEX orders_user_id ON orders (user_id);
GRANT USAGE, CREATE ON SCHEMA public TO hoop;
GRANT SELECT, INSERT, UPDATE, DELETE ON users, orders TO hoop;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO hoop;
