"""mysqlclient: cursors over the C connection, and the C connection's own `query`."""

from __future__ import annotations

from typing import Any

from ..way import way
from . import _mysql

REQUIRES = ("MySQLdb",)
SERVER = "mariadb"


def _connect(target: Any, **options: Any) -> Any:
    import MySQLdb

    return MySQLdb.connect(**target.login, autocommit=True, **options)


_mysql.declare(globals(), _connect)


@way("connection.query")
def query(target: Any) -> Any:
    return _connect(target).query(f"insert into governor_matrix values ('{target.marker}')")


@way("dict-cursor")
def dict_cursor(target: Any) -> Any:
    import MySQLdb.cursors

    return _connect(target, cursorclass=MySQLdb.cursors.DictCursor).cursor().execute(_mysql.INSERT, (target.marker,))


@way("streaming-cursor")
def streaming_cursor(target: Any) -> Any:
    import MySQLdb.cursors

    connection = _connect(target)
    cursor = connection.cursor(MySQLdb.cursors.SSCursor)
    result = cursor.execute(_mysql.INSERT, (target.marker,))
    cursor.close()
    return result
