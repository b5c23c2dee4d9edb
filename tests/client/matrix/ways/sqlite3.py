"""sqlite3: connections and cursors of every factory, scripts, `with`, names captured before."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way
from ._rows import Server as Server

GEVENT = True

_bound: Dict[str, Any] = {}
INSERT = "insert into governor_matrix values (?)"


def prepare(target: Any) -> None:
    global connect
    import sqlite3
    from sqlite3 import connect

    _bound["connection"] = sqlite3.connect(target.path, isolation_level=None)
    _bound["cursor"] = _bound["connection"].cursor()


def _connect(target: Any, **options: Any) -> Any:
    import sqlite3

    return sqlite3.connect(target.path, isolation_level=None, **options)


@way("connection.execute", carriers=True, faults=True)
def connection_execute(target: Any) -> Any:
    return _connect(target).execute(INSERT, (target.marker,)).rowcount


@way("cursor.execute")
def cursor_execute(target: Any) -> Any:
    return _connect(target).cursor().execute(INSERT, (target.marker,)).rowcount


@way("executemany", effects=2)
def executemany(target: Any) -> Any:
    return _connect(target).executemany(INSERT, [(target.marker,), (target.marker,)]).rowcount


@way("cursor.executemany", effects=2)
def cursor_executemany(target: Any) -> Any:
    return _connect(target).cursor().executemany(INSERT, iter([(target.marker,), (target.marker,)])).rowcount


@way("executescript", effects=2)
def executescript(target: Any) -> Any:
    text = f"insert into governor_matrix values ('{target.marker}');"
    return type(_connect(target).executescript(text + text)).__mro__[-2].__name__


@way("with-block")
def with_block(target: Any) -> Any:
    import sqlite3

    with sqlite3.connect(target.path) as connection:
        return connection.execute(INSERT, (target.marker,)).rowcount


@way("dbapi2.connect")
def dbapi2(target: Any) -> Any:
    import sqlite3.dbapi2

    return sqlite3.dbapi2.connect(target.path, isolation_level=None).execute(INSERT, (target.marker,)).rowcount


@way("connection-constructed")
def constructed(target: Any) -> Any:
    import sqlite3

    return sqlite3.Connection(target.path, isolation_level=None).execute(INSERT, (target.marker,)).rowcount


@way("cursor-constructed")
def cursor_constructed(target: Any) -> Any:
    import sqlite3

    return sqlite3.Cursor(_connect(target)).execute(INSERT, (target.marker,)).rowcount


@way("own-factory")
def own_factory(target: Any) -> Any:
    import sqlite3

    class Own(sqlite3.Connection):
        pass

    connection = _connect(target, factory=Own)
    return [connection.execute(INSERT, (target.marker,)).rowcount, isinstance(connection, Own)]


@way("own-cursor")
def own_cursor(target: Any) -> Any:
    import sqlite3

    class Own(sqlite3.Cursor):
        pass

    cursor = _connect(target).cursor(Own)
    return [cursor.execute(INSERT, (target.marker,)).rowcount, isinstance(cursor, Own)]


@way("captured-global-connect")
def captured_connect(target: Any) -> Any:
    return connect(target.path, isolation_level=None).execute(INSERT, (target.marker,)).rowcount


@way("raises-bad-sql", effects=0)
def raises_bad_sql(target: Any) -> Any:
    _connect(target).execute("insert into no_such_table values (?)", (target.marker,))


# SQLite interrupts what a connection from before `enable()` was refused: the caller is told by an error of SQLite's own.
@way("bound-connection", swallowed=True)
def bound_connection(target: Any) -> Any:
    return _bound["connection"].execute(INSERT, (target.marker,)).rowcount


@way("bound-cursor", swallowed=True)
def bound_cursor(target: Any) -> Any:
    return _bound["cursor"].execute(INSERT, (target.marker,)).rowcount
