"""What a program with Django's ORM over the corpus' schema does."""
import io, os
from urllib.parse import urlparse
import django
from django.conf import settings

url = urlparse(os.environ["DATABASE_URL"])
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "USER": url.username, "PASSWORD": url.password or "", "HOST": url.hostname, "PORT": url.port}},
                   INSTALLED_APPS=["django.contrib.postgres"], USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField")
django.setup()
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchVector
from django.core.management import call_command
from django.db import connection, models, transaction
from django.db.models import Avg, Case, Count, Exists, F, Max, OuterRef, Prefetch, Q, Subquery, Sum, Value, When, Window
from django.db.models.functions import Coalesce, Concat, Length, Lower, RowNumber, TruncMonth

class User(models.Model):
    name, email, ssn, card, phone = models.CharField(max_length=80), models.CharField(max_length=120), models.CharField(max_length=11), models.TextField(null=True), models.CharField(max_length=40)
    notes, active, created_at = models.JSONField(null=True), models.BooleanField(default=True), models.DateTimeField()
    class Meta:
        managed, app_label, db_table = False, "postgres", "users"

class Order(models.Model):
    user, total, state = models.ForeignKey(User, models.CASCADE, related_name="orders"), models.DecimalField(max_digits=10, decimal_places=2), models.CharField(max_length=10, default="new")
    placed_at, tags = models.DateTimeField(), ArrayField(models.TextField(), default=list)
    class Meta:
        managed, app_label, db_table = False, "postgres", "orders"

call_command("inspectdb", stdout=io.StringIO())
U, O = User.objects, Order.objects
list(U.all()[:3]), U.get(pk=1), U.filter(name__icontains="name 1").count(), list(U.filter(id__in=[1, 2]).values("id", "email")), list(U.values_list("email", flat=True).order_by("id")[:3])
list(U.exclude(active=False).order_by("-created_at", "name")[2:5]), U.filter(pk=1).exists(), list(U.only("name").filter(id__lt=3)), list(U.defer("ssn").filter(id__lt=3)), U.first(), U.last(), U.in_bulk([1, 2])
list(O.select_related("user").filter(id__lt=4)), list(U.prefetch_related("orders").filter(id__lt=3)), list(U.prefetch_related(Prefetch("orders", O.filter(total__gt=20))).filter(id__lt=3))
list(U.annotate(n=Count("orders"), total=Sum("orders__total")).order_by("id")), list(U.annotate(n=Count("orders")).filter(n__gt=2).values("name", "n").order_by("name"))
O.aggregate(Avg("total"), Max("placed_at")), list(O.values("state").annotate(n=Count("id")).order_by("state")), list(O.annotate(m=TruncMonth("placed_at")).values("m").annotate(t=Sum("total")).order_by("m"))
list(U.filter(Q(name__startswith="Name") & ~Q(id=3) | Q(id=5)).order_by("id")), list(O.filter(total__gt=F("user_id") * 2).order_by("id")[:3]), list(O.filter(user__name="Name 2").order_by("id"))
list(U.annotate(last=Subquery(O.filter(user=OuterRef("pk")).order_by("-placed_at").values("total")[:1])).values("id", "email", "last").order_by("id")[:3])
list(U.filter(Exists(O.filter(user=OuterRef("pk"), total__gt=50))).order_by("id")), list(U.annotate(l=Length("email"), low=Lower("email")).values("l", "low").order_by("id")[:3])
list(U.annotate(who=Concat("name", Value(" <"), "email", Value(">"))).values_list("who").order_by("id")[:3]), list(U.annotate(c=Coalesce("card", Value("none"), output_field=models.TextField())).values_list("c").order_by("id"))
list(U.annotate(kind=Case(When(active=True, then=Value("on")), default=Value("off"), output_field=models.TextField())).values("kind").annotate(n=Count("id")).order_by("kind"))
list(O.annotate(r=Window(RowNumber(), partition_by=[F("user_id")], order_by=F("total").desc())).values("id", "r").order_by("id")[:5]), list(O.filter(tags__contains=["t1"]).order_by("id")[:3]), list(O.filter(placed_at__year=2026, placed_at__month=1).order_by("id")[:2])
list(U.filter(email="mail3@example.com")), list(U.filter(notes__city="Town 3")), list(U.order_by("email", "id")[:3]), list(U.values("email").distinct().order_by("email"))
list(U.filter(id__lt=3).union(U.filter(id=5)).order_by("id")), list(U.raw("SELECT * FROM users WHERE id = %s", [1])), list(U.annotate(s=SearchVector("name")).filter(s="name").values("id").order_by("id")[:2])
print(U.filter(id=1).explain(), file=io.StringIO())
list(U.filter(id__lt=5).values("id", "email").iterator(chunk_size=2))

class Undo(Exception):
    pass

try:
    with transaction.atomic():
        list(U.select_for_update().filter(id=1))
        o = O.create(user_id=1, total=7, placed_at="2026-05-05T00:00:00Z")
        o.total = 8
        o.save()
        o.save(update_fields=["total"])
        O.filter(id=1).update(total=F("total") + 1)
        O.bulk_create([Order(user_id=2, total=i, placed_at="2026-06-0%dT00:00:00Z" % i) for i in (1, 2, 3)])
        O.get_or_create(user_id=3, placed_at="2026-07-01T00:00:00Z", defaults={"total": 3})
        O.update_or_create(id=2, defaults={"total": 9})
        user = U.get(pk=2)
        user.name = "Other"
        user.save(update_fields=["name"])
        with transaction.atomic():
            O.filter(total__gt=80).delete()
        o.delete()
        raise Undo
except Undo:
    pass
try:
    with transaction.atomic():
        user = U.get(pk=2)
        user.save()  # writes every column
        raise Undo
except Undo:
    pass
connection.introspection.table_names()
