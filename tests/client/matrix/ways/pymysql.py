"""pymysql: cursors of every class, `Connection.query`, and the statements that have no cursor."""

from __future__ import annotations

from typing import Any

from ..way import way
from . import _mysql

REQUIRES = ("pymysql",)
SERVER = "mariadb"
GEVENT = True


def _connect(target: Any, **options: Any) -> Any:
    import pymysql

    return pymysql.connect(**target.login, autocommit=True, **options)


_mysql.declare(globals(), _connect)


@way("connection.query")
def query(target: Any) -> Any:
    return _connect(target).query(f"insert into governor_matrix values ('{target.marker}')")


@way("dict-cursor")
def dict_cursor(target: Any) -> Any:
    import pymysql.cursors

    with _connect(target, cursorclass=pymysql.cursors.DictCursor) as connection, connection.cursor() as cursor:
        return cursor.execute(_mysql.INSERT, (target.marker,))


@way("streaming-cursor")
def streaming_cursor(target: Any) -> Any:
    import pymysql.cursors

    with _connect(target) as connection, connection.cursor(pymysql.cursors.SSCursor) as cursor:
        return cursor.execute(_mysql.INSERT, (target.marker,))


@way("multi-statement", effects=2)
def multi_statement(target: Any) -> Any:
    from pymysql.constants import CLIENT

    text = f"insert into governor_matrix values ('{target.marker}')"
    with _connect(target, client_flag=CLIENT.MULTI_STATEMENTS) as connection, connection.cursor() as cursor:
        cursor.execute(f"{text}; {text}")
        return cursor.nextset()


@way("subclass")
def subclass(target: Any) -> Any:
    import pymysql.cursors

    class Own(pymysql.cursors.Cursor):
        def execute(self, query: Any, args: Any = None) -> Any:
            return self._query(self.mogrify(query, args))

    with _connect(target, cursorclass=Own) as connection, connection.cursor() as cursor:
        return cursor.execute(_mysql.INSERT, (target.marker,))
