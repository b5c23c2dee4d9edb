"""psycopg 3: connection and cursor, sync and async, pipeline, stream, copy, server cursors, SQLAlchemy."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way

REQUIRES = ("psycopg",)
SERVER = "postgres"
INSERT = "insert into governor_matrix values (%s)"
TOUCH = "select governor_matrix_touch(%s)"
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    import psycopg

    _bound["connection"] = psycopg.connect(target.dsn, autocommit=True)
    _bound["cursor"] = _bound["connection"].cursor()
    _bound["execute"] = _bound["cursor"].execute


def _connect(target: Any, **options: Any) -> Any:
    import psycopg

    return psycopg.connect(target.dsn, autocommit=True, **options)


async def _connect_async(target: Any) -> Any:
    import psycopg

    return await psycopg.AsyncConnection.connect(target.dsn, autocommit=True)


@way("cursor.execute", carriers=True, faults=True)
def cursor_execute(target: Any) -> Any:
    with _connect(target) as connection, connection.cursor() as cursor:
        return cursor.execute(INSERT, (target.marker,)).statusmessage


@way("connection.execute")
def connection_execute(target: Any) -> Any:
    with _connect(target) as connection:
        return connection.execute(INSERT, (target.marker,)).rowcount


@way("select")
def select(target: Any) -> Any:
    with _connect(target) as connection:
        return connection.execute(TOUCH, (target.marker,)).fetchall()


@way("executemany", effects=2)
def executemany(target: Any) -> Any:
    with _connect(target) as connection, connection.cursor() as cursor:
        cursor.executemany(INSERT, [(target.marker,), (target.marker,)])
        return cursor.rowcount


@way("executemany-returning", effects=2)
def executemany_returning(target: Any) -> Any:
    with _connect(target) as connection, connection.cursor() as cursor:
        cursor.executemany(INSERT + " returning 1", [(target.marker,), (target.marker,)], returning=True)
        return cursor.fetchall()


@way("stream")
def stream(target: Any) -> Any:
    with _connect(target) as connection, connection.cursor() as cursor:
        return list(cursor.stream(TOUCH, (target.marker,)))


@way("copy")
def copy(target: Any) -> Any:
    with _connect(target) as connection, connection.cursor() as cursor:
        with cursor.copy("copy governor_matrix from stdin") as writing:
            writing.write_row((target.marker,))
        return cursor.rowcount


@way("named-cursor")
def named_cursor(target: Any) -> Any:
    import psycopg

    with psycopg.connect(target.dsn) as connection, connection.cursor("matrix") as cursor:
        return cursor.execute(TOUCH, (target.marker,)).fetchall()


@way("client-cursor")
def client_cursor(target: Any) -> Any:
    import psycopg

    with _connect(target, cursor_factory=psycopg.ClientCursor) as connection:
        return connection.execute(INSERT, (target.marker,)).rowcount


@way("raw-cursor")
def raw_cursor(target: Any) -> Any:
    import psycopg

    with _connect(target, cursor_factory=psycopg.RawCursor) as connection:
        return connection.execute("insert into governor_matrix values ($1)", (target.marker,)).rowcount


@way("pipeline")
def pipeline(target: Any) -> Any:
    with _connect(target) as connection, connection.pipeline():
        return connection.execute(TOUCH, (target.marker,)).fetchone()


@way("transaction")
def transaction(target: Any) -> Any:
    with _connect(target) as connection:
        with connection.transaction():
            return connection.execute(INSERT, (target.marker,)).rowcount


@way("composed-sql")
def composed(target: Any) -> Any:
    from psycopg import sql

    statement = sql.SQL("insert into {} values ({})").format(sql.Identifier("governor_matrix"), sql.Literal(target.marker))
    with _connect(target) as connection:
        return connection.execute(statement).rowcount


@way("subclass")
def subclass(target: Any) -> Any:
    import psycopg

    class Own(psycopg.Cursor):  # type: ignore[type-arg]
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            return super().execute(query, params, **options)

    with _connect(target, cursor_factory=Own) as connection:
        return connection.execute(INSERT, (target.marker,)).rowcount


@way("bound-connection")
def bound_connection(target: Any) -> Any:
    return _bound["connection"].execute(INSERT, (target.marker,)).rowcount


@way("bound-cursor")
def bound_cursor(target: Any) -> Any:
    return _bound["cursor"].execute(INSERT, (target.marker,)).rowcount


@way("raises-bad-sql", effects=0)
def raises_bad_sql(target: Any) -> Any:
    with _connect(target) as connection:
        connection.execute("insert into no_such_table values (%s)", (target.marker,))


@way("async-cursor.execute", carriers=True, faults=True)
async def async_execute(target: Any) -> Any:
    async with await _connect_async(target) as connection, connection.cursor() as cursor:
        return (await cursor.execute(INSERT, (target.marker,))).statusmessage


@way("async-connection.execute")
async def async_connection(target: Any) -> Any:
    async with await _connect_async(target) as connection:
        return (await connection.execute(INSERT, (target.marker,))).rowcount


@way("async-executemany", effects=2)
async def async_executemany(target: Any) -> Any:
    async with await _connect_async(target) as connection, connection.cursor() as cursor:
        await cursor.executemany(INSERT, [(target.marker,), (target.marker,)])
        return cursor.rowcount


@way("async-stream")
async def async_stream(target: Any) -> Any:
    async with await _connect_async(target) as connection, connection.cursor() as cursor:
        return [row async for row in cursor.stream(TOUCH, (target.marker,))]


@way("async-copy")
async def async_copy(target: Any) -> Any:
    async with await _connect_async(target) as connection, connection.cursor() as cursor:
        async with cursor.copy("copy governor_matrix from stdin") as writing:
            await writing.write_row((target.marker,))
        return cursor.rowcount
