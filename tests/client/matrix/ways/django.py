"""Django: the ORM and raw cursors through its cursor wrapper, over PostgreSQL."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("django", "psycopg")
SERVER = "postgres"
GEVENT = True


def _connection(target: Any) -> Any:
    import django
    from django.conf import settings

    if not settings.configured:
        from urllib.parse import urlsplit

        at = urlsplit(target.dsn)
        database = {
            "ENGINE": "django.db.backends.postgresql", "NAME": at.path[1:], "USER": at.username,
            "PASSWORD": at.password, "HOST": at.hostname, "PORT": at.port,
        }  # fmt: skip
        settings.configure(DATABASES={"default": database}, INSTALLED_APPS=[], DEFAULT_AUTO_FIELD="django.db.models.AutoField")
        django.setup()
    from django.db import connection

    return connection


_models: Any = {}


def _model(target: Any) -> Any:
    _connection(target)
    if "Row" not in _models:
        from django.db import models

        class Row(models.Model):
            marker = models.TextField(primary_key=True)

            class Meta:
                app_label = "matrix"
                db_table = "governor_matrix"
                managed = False

        _models["Row"] = Row
    return _models["Row"]


@way("cursor.execute", carriers=("thread", "pool", "to_thread"), faults=True)
def cursor_execute(target: Any) -> Any:
    with _connection(target).cursor() as cursor:
        cursor.execute("insert into governor_matrix values (%s)", (target.marker,))
        return cursor.rowcount


@way("cursor.executemany", effects=2)
def cursor_executemany(target: Any) -> Any:
    with _connection(target).cursor() as cursor:
        cursor.executemany("insert into governor_matrix values (%s)", [(target.marker,), (target.marker,)])
        return cursor.rowcount


@way("cursor.callproc")
def callproc(target: Any) -> Any:
    with _connection(target).cursor() as cursor:
        cursor.callproc("governor_matrix_touch", (target.marker,))
        return cursor.fetchall()


@way("objects.create")
def create(target: Any) -> Any:
    return _model(target).objects.create(marker=target.marker).marker


@way("bulk_create")
def bulk_create(target: Any) -> Any:
    model = _model(target)
    return len(model.objects.bulk_create([model(marker=target.marker)]))


@way("raises-bad-sql", effects=0)
def raises_bad_sql(target: Any) -> Any:
    with _connection(target).cursor() as cursor:
        cursor.execute("insert into no_such_table values (%s)", (target.marker,))
