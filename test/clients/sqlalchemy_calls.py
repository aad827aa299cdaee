"""Calls of SQLAlchemy as programs make them. What each answers is one line of JSON, so that two runs can be compared."""
import datetime, decimal, json, os, threading, uuid
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql as pg

URL = os.environ["DATABASE_URL"].replace("postgres://", "postgresql+psycopg2://", 1)

def show(name, value):
    print(json.dumps({name: value}, default=str, ensure_ascii=True), flush=True)

def error(name, call, text=True):
    try:
        call()
        show(name, "no error")
    except sa.exc.DBAPIError as e:
        show(name, [type(e).__name__, e.orig.pgcode, text and str(e.orig).splitlines()[0]])

engine = sa.create_engine(URL, pool_size=3, max_overflow=2)
Base = orm.declarative_base()

class Owner(Base):
    __tablename__ = "alchemy_owner"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(50), nullable=False, unique=True)
    born = sa.Column(sa.Date)
    things = orm.relationship("Thing", back_populates="owner", order_by="Thing.id", cascade="all, delete-orphan")

class Thing(Base):
    __tablename__ = "alchemy_thing"
    id = sa.Column(sa.Integer, primary_key=True)
    owner_id = sa.Column(sa.ForeignKey("alchemy_owner.id", ondelete="CASCADE"), index=True)
    n = sa.Column(sa.Numeric(10, 2), sa.CheckConstraint("n >= 0", name="not_negative"))
    tags = sa.Column(pg.ARRAY(sa.Text))
    data = sa.Column(pg.JSONB)
    key = sa.Column(pg.UUID(as_uuid=True))
    at = sa.Column(sa.DateTime(timezone=True), server_default=sa.text("'2026-02-03 04:05:06+00'"))
    raw = sa.Column(sa.LargeBinary)
    mood = sa.Column(sa.Enum("sad", "ok", name="alchemy_mood"), default="ok")
    owner = orm.relationship(Owner, back_populates="things")

Base.metadata.drop_all(engine)
Base.metadata.create_all(engine)
show("dialect", [engine.dialect.server_version_info[0] > 10, engine.dialect.default_schema_name])

look = sa.inspect(engine)
show("tables", sorted(t for t in look.get_table_names() if t.startswith("alchemy")))
show("schemas", look.get_schema_names())
show("columns", [[c["name"], str(c["type"]), c["nullable"], c["default"]] for c in look.get_columns("alchemy_thing")])
show("primary key", look.get_pk_constraint("alchemy_thing"))
show("foreign keys", look.get_foreign_keys("alchemy_thing"))
show("indexes", look.get_indexes("alchemy_thing"))
show("unique", look.get_unique_constraints("alchemy_owner"))
show("checks", look.get_check_constraints("alchemy_thing"))
show("comment", look.get_table_comment("alchemy_thing"))
show("enums", [e for e in look.get_enums() if e["name"] == "alchemy_mood"])
show("sequences", [s for s in look.get_sequence_names() if s.startswith("alchemy")])
show("views", look.get_view_names())
show("has", [look.has_table("alchemy_thing"), look.has_table("nowhere_at_all")])
reflected = sa.Table("alchemy_thing", sa.MetaData(), autoload_with=engine)
show("reflected", sorted(c.name for c in reflected.columns))

with orm.Session(engine) as s:
    ann = Owner(name="Ann", born=datetime.date(2000, 1, 2))
    ann.things = [Thing(n=decimal.Decimal("12.34"), tags=["a,b", None, '"q"'], data={"k": [1, {"x": None}]}, key=uuid.UUID(int=7), raw=b"\x00\xff'"), Thing(n=2)]
    s.add_all([ann, Owner(name="naïve 'quoted'")])
    s.flush()
    show("flushed", [ann.id, [t.id for t in ann.things]])
    s.commit()
    t = s.get(Thing, 1)
    show("refreshed", [t.n, t.tags, t.data, t.key, t.at, t.raw.hex(), t.mood])
    t.n += 1
    t.data = {"changed": True}
    s.commit()
    show("updated", [t.n, t.data])
    show("lazy", [x.id for x in s.get(Owner, 1).things])
    show("joined", [[o.name, len(o.things)] for o in s.query(Owner).options(orm.joinedload(Owner.things)).order_by(Owner.id)])
    show("selectin", [[o.name, len(o.things)] for o in s.query(Owner).options(orm.selectinload(Owner.things)).order_by(Owner.id)])
    show("subquery", [[o.name, len(o.things)] for o in s.query(Owner).options(orm.subqueryload(Owner.things)).order_by(Owner.id)])
    show("filtered", [o.name for o in s.query(Owner).filter(Owner.name.ilike("%ann%"), Owner.born.isnot(None))])
    show("any", [o.id for o in s.query(Owner).filter(Owner.things.any(Thing.n > 5))])
    show("count", s.query(Thing).filter(Thing.tags.contains(["a,b"])).count())
    show("json", s.execute(sa.select(Thing.data["changed"].astext).order_by(Thing.id)).all()[0][0])
    show("grouped", [list(r) for r in s.execute(sa.select(Owner.name, sa.func.count(Thing.id), sa.func.sum(Thing.n)).outerjoin(Thing).group_by(Owner.id).order_by(Owner.id))])
    show("window", [list(r) for r in s.execute(sa.select(Thing.id, sa.func.row_number().over(order_by=Thing.n.desc())).order_by(Thing.id))])
    part = sa.select(Owner.id).where(Owner.name != "").cte("part")
    show("cte", [list(r) for r in s.execute(sa.select(part.c.id).order_by(part.c.id))])
    show("locked", s.execute(sa.select(Owner.id).where(Owner.id == 1).with_for_update()).scalar())
    show("exists", s.query(sa.exists().where(Owner.name == "Ann")).scalar())
    s.commit()
    with s.begin_nested():
        s.add(Owner(name="nested"))
    error("a savepoint that fails", lambda: s.begin_nested() and s.add(Owner(name="Ann")) or s.flush())
    s.rollback()
    error("a check", lambda: s.add(Thing(n=-1)) or s.commit())
    s.rollback()
    show("bulk update", s.query(Thing).filter(Thing.n > 1).update({"n": Thing.n * 2}, synchronize_session=False))
    show("bulk delete", s.query(Thing).filter(Thing.id == 2).delete(synchronize_session=False))
    s.commit()
    s.delete(s.get(Owner, 1))
    s.commit()
    show("cascade", s.query(Thing).count())

with engine.begin() as c:
    show("many", c.execute(sa.insert(Thing), [{"n": i} for i in range(50)]).rowcount)
    show("returning", list(c.execute(sa.insert(Thing).values(n=7).returning(Thing.n, Thing.mood)).one()))
    upsert = pg.insert(Owner).values(id=2, name="other").on_conflict_do_update(index_elements=["id"], set_={"name": "upserted"}).returning(Owner.name)
    show("upsert", c.execute(upsert).scalar())
with engine.connect().execution_options(stream_results=True, max_row_buffer=10) as c:
    show("streamed", sum(1 for _ in c.execute(sa.select(Thing.n))))
with engine.connect() as c:
    error("a syntax error", lambda: c.execute(sa.text("SELEC 1")), text=False)
    error("no such table", lambda: c.execute(sa.text("SELECT * FROM nowhere_at_all")))
    error("division by zero", lambda: c.execute(sa.text("SELECT 1/0")))
    show("parameters", list(c.execute(sa.text("SELECT :a, :b, :c"), {"a": 1, "b": None, "c": "it's"}).one()))
    timer = threading.Timer(0.3, c.connection.dbapi_connection.cancel)
    timer.start()
    error("cancel", lambda: c.execute(sa.text("SELECT pg_sleep(60)")))
    timer.join()
with engine.connect().execution_options(isolation_level="SERIALIZABLE", postgresql_readonly=True) as c:
    error("a read-only transaction", lambda: c.execute(sa.delete(Thing)))
with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
    show("autocommit", c.execute(sa.text("SELECT current_setting('transaction_isolation')")).scalar())

got = []
def borrow(i):
    with engine.connect() as c:
        got.append(c.execute(sa.text("SELECT :i * 2"), {"i": i}).scalar())
threads = [threading.Thread(target=borrow, args=(i,)) for i in range(8)]
for t in threads: t.start()
for t in threads: t.join()
show("a pool", sorted(got))
Base.metadata.drop_all(engine)
show("dropped", sa.inspect(engine).has_table("alchemy_thing"))
engine.dispose()
