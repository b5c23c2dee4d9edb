"""psycopg2: the C types, through `connect`, and names captured before."""

from __future__ import annotations

import io
from typing import Any, Dict

from ..way import way

REQUIRES = ("psycopg2",)
SERVER = "postgres"
INSERT = "insert into governor_matrix values (%s)"
TOUCH = "select governor_matrix_touch(%s)"
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    from psycopg2 import connect

    _bound["connect"] = connect


def _connect(target: Any, **options: Any) -> Any:
    import psycopg2

    connection = psycopg2.connect(target.dsn, **options)
    connection.autocommit = True
    return connection


@way("cursor.execute", carriers=True, faults=True)
def cursor_execute(target: Any) -> Any:
    with _connect(target) as connection, connection.cursor() as cursor:
        cursor.execute(INSERT, (target.marker,))
        return cursor.statusmessage


@way("select")
def select(target: Any) -> Any:
    with _connect(target) as connection, connection.cursor() as cursor:
        cursor.execute(TOUCH, (target.marker,))
        return cursor.fetchall()


@way("executemany", effects=2)
def executemany(target: Any) -> Any:
    with _connect(target) as connection, connection.cursor() as cursor:
        cursor.executemany(INSERT, [(target.marker,), (target.marker,)])
        return cursor.rowcount


@way("callproc")
def callproc(target: Any) -> Any:
    with _connect(target) as connection, connection.cursor() as cursor:
        cursor.callproc("governor_matrix_touch", (target.marker,))
        return cursor.fetchall()


@way("copy_from")
def copy_from(target: Any) -> Any:
    with _connect(target) as connection, connection.cursor() as cursor:
        return cursor.copy_from(io.StringIO(target.marker + "\n"), "governor_matrix")


@way("copy_expert")
def copy_expert(target: Any) -> Any:
    with _connect(target) as connection, connection.cursor() as cursor:
        return cursor.copy_expert("copy governor_matrix from stdin", io.StringIO(target.marker + "\n"))


@way("execute_values", effects=2)
def execute_values(target: Any) -> Any:
    from psycopg2.extras import execute_values as send

    with _connect(target) as connection, connection.cursor() as cursor:
        return send(cursor, "insert into governor_matrix values %s", [(target.marker,), (target.marker,)])


@way("execute_batch", effects=2)
def execute_batch(target: Any) -> Any:
    from psycopg2.extras import execute_batch as send

    with _connect(target) as connection, connection.cursor() as cursor:
        return send(cursor, INSERT, [(target.marker,), (target.marker,)])


@way("dict-cursor")
def dict_cursor(target: Any) -> Any:
    from psycopg2.extras import RealDictCursor

    with _connect(target) as connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(TOUCH, (target.marker,))
        return [dict(row) for row in cursor.fetchall()]


@way("cursor-factory")
def cursor_factory(target: Any) -> Any:
    from psycopg2.extras import NamedTupleCursor

    with _connect(target, cursor_factory=NamedTupleCursor) as connection, connection.cursor() as cursor:
        cursor.execute(TOUCH, (target.marker,))
        return [list(row) for row in cursor.fetchall()]


@way("own-connection-factory")
def connection_factory(target: Any) -> Any:
    import psycopg2.extensions

    class Own(psycopg2.extensions.connection):
        pass

    with _connect(target, connection_factory=Own) as connection, connection.cursor() as cursor:
        cursor.execute(INSERT, (target.marker,))
        return [cursor.rowcount, isinstance(connection, Own)]


@way("plain-c-cursor")
def plain_c_cursor(target: Any) -> Any:
    import psycopg2.extensions

    with _connect(target) as connection, connection.cursor(cursor_factory=psycopg2.extensions.cursor) as cursor:
        cursor.execute(INSERT, (target.marker,))
        return cursor.rowcount


@way("cursor-constructed")
def cursor_constructed(target: Any) -> Any:
    import psycopg2.extensions

    with _connect(target) as connection:
        cursor = psycopg2.extensions.cursor(connection)
        cursor.execute(INSERT, (target.marker,))
        return cursor.rowcount


@way("connection-constructed")
def connection_constructed(target: Any) -> Any:
    import psycopg2.extensions

    connection = psycopg2.extensions.connection(target.dsn)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(INSERT, (target.marker,))
    return cursor.rowcount


@way("pooled")
def pooled(target: Any) -> Any:
    from psycopg2.pool import SimpleConnectionPool

    pool = SimpleConnectionPool(1, 1, target.dsn)
    connection = pool.getconn()
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(INSERT, (target.marker,))
    pool.closeall()
    return True


@way("named-cursor")
def named_cursor(target: Any) -> Any:
    import psycopg2

    with psycopg2.connect(target.dsn) as connection, connection.cursor("matrix") as cursor:
        cursor.execute(TOUCH, (target.marker,))
        return cursor.fetchall()


@way("registered-types")
def registered_types(target: Any) -> Any:
    import psycopg2.extras
    from psycopg2 import sql

    with _connect(target) as connection, connection.cursor() as cursor:
        psycopg2.extras.register_default_json(connection)
        text = sql.SQL("select governor_matrix_touch({})").format(sql.Literal(target.marker)).as_string(connection)
        cursor.execute(text)
        return cursor.fetchone()


@way("bound-connect")
def bound_connect(target: Any) -> Any:
    connection = _bound["connect"](target.dsn)
    connection.autocommit = True
    with connection, connection.cursor() as cursor:
        cursor.execute(INSERT, (target.marker,))
        return cursor.rowcount


@way("raises-bad-sql", effects=0)
def raises_bad_sql(target: Any) -> Any:
    with _connect(target) as connection, connection.cursor() as cursor:
        cursor.execute("insert into no_such_table values (%s)", (target.marker,))
