"""What a program with SQLAlchemy's ORM over the corpus' schema does: reflection, then models over it."""
import os
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.ext.automap import automap_base

engine = sa.create_engine(os.environ["DATABASE_URL"].replace("postgres://", "postgresql+psycopg2://", 1))
look = sa.inspect(engine)
for schema in (None, "public"):
    for table in look.get_table_names(schema) + look.get_view_names(schema):
        look.get_columns(table, schema), look.get_pk_constraint(table, schema), look.get_foreign_keys(table, schema), look.get_indexes(table, schema)
        look.get_unique_constraints(table, schema), look.get_check_constraints(table, schema), look.get_table_comment(table, schema)
    look.get_enums(schema), look.get_sequence_names(schema)
look.get_view_definition("people"), look.get_schema_names(), look.has_table("users"), look.has_sequence("users_id_seq"), look.get_foreign_table_names()
Base = automap_base()
Base.prepare(engine, reflect=True)
User, Order, Item = Base.classes.users, Base.classes.orders, Base.classes["items"]

with orm.Session(engine) as s:
    q = s.query(User)
    q.order_by(User.id).limit(3).all(), q.get(1), q.filter_by(name="Name 2").first(), q.filter(User.name.like("Name 1%")).count(), q.filter(User.id.in_([1, 2, 3])).all()
    q.options(orm.joinedload(User.orders_collection)).filter(User.id < 4).all()
    q.options(orm.selectinload(User.orders_collection)).filter(User.id < 4).all()
    q.options(orm.subqueryload(User.orders_collection)).filter(User.id < 4).all()
    s.query(User.email, User.phone).filter(User.active).order_by(User.name).offset(2).limit(2).all()
    s.query(User.id, sa.func.lower(User.email), User.notes["city"].astext).order_by(User.id).all()
    s.query(sa.func.count(User.email), sa.func.min(User.created_at)).one()
    s.query(User.active, sa.func.count()).group_by(User.active).having(sa.func.count() > 1).order_by(User.active).all()
    s.query(User.id, User.name, sa.func.sum(Order.total)).join(Order).group_by(User.id).order_by(sa.func.sum(Order.total).desc(), User.id).limit(5).all()
    s.query(User.id, User.email, sa.func.count(Order.id)).outerjoin(Order).group_by(User.id).order_by(User.id).all()  # by the key alone
    s.query(User).filter(User.orders_collection.any(Order.total > 50)).order_by(User.id).all()
    s.query(User).filter(User.email == "mail3@example.com").all()  # it compares the mask
    s.query(Order).filter(Order.tags.contains(["t1"])).order_by(Order.id).all(), s.query(Order).filter(Order.state == "paid").count()
    best = s.query(Order.user_id, sa.func.max(Order.total).label("best")).group_by(Order.user_id).subquery()
    s.query(User.name, User.email, best.c.best).join(best, best.c.user_id == User.id).order_by(best.c.best.desc()).limit(3).all()
    big = s.query(Order.user_id).filter(Order.total > 60).cte("big")
    s.query(User.id).filter(User.id.in_(s.query(big.c.user_id))).order_by(User.id).all()
    s.query(Order.id, sa.func.rank().over(partition_by=Order.user_id, order_by=Order.total.desc())).order_by(Order.id).limit(5).all()
    s.query(User.email).distinct().all(), s.query(User.id).filter(User.id < 3).union(s.query(Order.user_id)).order_by(User.id).all()
    s.query(sa.case((User.active, User.email), else_="gone")).order_by(User.id).limit(3).all()
    s.query(User).filter(User.id == 1).with_for_update().one(), s.query(sa.exists().where(User.name == "Name 1")).scalar()
    order = s.get(Order, 1)
    order.total += 1
    s.flush()
    s.add(Order(user_id=1, total=5))
    s.flush()
    s.query(Order).filter(Order.total > 80).update({"state": "sent"}, synchronize_session=False)
    s.query(Order).filter(Order.id == 60).delete(synchronize_session=False)
    user = s.get(User, 2)
    user.name = "Other"
    s.flush()
    s.add(User(name="New"))
    s.flush()
    s.delete(s.query(Item).first())
    s.rollback()
with engine.connect().execution_options(stream_results=True) as c:
    c.execute(sa.select(User.id, User.email).order_by(User.id)).fetchmany(2)
