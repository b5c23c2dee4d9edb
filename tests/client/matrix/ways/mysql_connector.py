"""mysql-connector-python: the pure implementation's cursors, `cmd_query`, prepared statements."""

from __future__ import annotations

from typing import Any

from ..way import way
from . import _mysql

REQUIRES = ("mysql.connector",)
SERVER = "mariadb"


def _connect(target: Any, **options: Any) -> Any:
    import mysql.connector

    login = {**target.login, "autocommit": True, "use_pure": True, "collation": "utf8mb4_general_ci"}
    return mysql.connector.connect(**login, **options)


_mysql.declare(globals(), _connect)


@way("cmd_query")
def cmd_query(target: Any) -> Any:
    return _connect(target).cmd_query(f"insert into governor_matrix values ('{target.marker}')")["affected_rows"]


@way("dict-cursor")
def dict_cursor(target: Any) -> Any:
    connection = _connect(target)
    cursor = connection.cursor(dictionary=True)
    cursor.execute(_mysql.INSERT, (target.marker,))
    return cursor.rowcount


@way("prepared-cursor")
def prepared_cursor(target: Any) -> Any:
    connection = _connect(target)
    cursor = connection.cursor(prepared=True)
    cursor.execute(_mysql.INSERT, (target.marker,))
    return cursor.rowcount


@way("buffered-cursor")
def buffered_cursor(target: Any) -> Any:
    connection = _connect(target)
    cursor = connection.cursor(buffered=True)
    cursor.execute(_mysql.INSERT, (target.marker,))
    return cursor.rowcount
