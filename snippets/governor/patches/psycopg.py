"""psycopg 3: cursors are Python classes, and every statement goes through one of their four methods.

`Connection.execute` makes a cursor first. Server-side cursors have their own `execute`; client, raw and user
classes inherit. `copy` and `stream` are asked for before the first row. Below them, the `pq` wrapper of
libpq is out of reach: no Python function, no audit event.
"""

from __future__ import annotations

from governor._statement import governed_statement, server_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "psycopg"
MODULES = ("psycopg.cursor", "psycopg.cursor_async", "psycopg._server_cursor", "psycopg._server_cursor_async", "psycopg.server_cursor")
FAMILY = "database"
NOT_INTERCEPTED = ("psycopg.pq.PGconn.exec_", "psycopg.pq.PGconn.exec_params", "psycopg.pq.PGconn.send_query")


def install(module: ModuleType, patcher: Patcher) -> None:
    for name in ("Cursor", "ServerCursor"):
        if name in vars(module):
            _install_class(getattr(module, name), patcher, _run, _stream, _copy)
    for name in ("AsyncCursor", "AsyncServerCursor"):
        if name in vars(module):
            _install_class(getattr(module, name), patcher, _run_async, _stream_async, _copy_async)


def _install_class(cursor: Any, patcher: Patcher, run: Any, stream: Any, copy: Any) -> None:
    for method, wrapper in (("execute", run), ("executemany", run), ("stream", stream), ("copy", copy)):
        if method in vars(cursor):
            patcher.wrap(cursor, method, wrapper)


# The rows of a COPY come later and are part of no question: it is asked each time.
_ROWS_TO_COME = object()


def _asked(cursor: Any, args: Any, kwargs: Any, *more: Any) -> Any:
    query = args[0] if args else kwargs.get("query", kwargs.get("statement", ""))
    parameters = args[1] if len(args) > 1 else kwargs.get("params", kwargs.get("params_seq"))
    as_string = getattr(query, "as_string", None)
    if as_string is not None:
        query = as_string(cursor)
    return governed_statement("psycopg.Cursor.execute", _destination(cursor), query, (parameters, *more) if more else parameters)


def _destination(cursor: Any) -> str:
    connection = cursor._conn.pgconn
    try:
        return server_url("postgresql", connection.host, connection.port, connection.db)
    except Exception:
        # A connection that is closed cannot say; the driver will.
        return "postgresql:///"


def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with _asked(instance, args, kwargs):
        return wrapped(*args, **kwargs)


async def _run_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with _asked(instance, args, kwargs):
        return await wrapped(*args, **kwargs)


def _stream(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with _asked(instance, args, kwargs):
        pass
    yield from wrapped(*args, **kwargs)


async def _stream_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with _asked(instance, args, kwargs):
        pass
    rows = wrapped(*args, **kwargs)
    try:
        async for row in rows:
            yield row
    finally:
        await rows.aclose()


def _copy(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with _asked(instance, args, kwargs, _ROWS_TO_COME):
        return wrapped(*args, **kwargs)


def _copy_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def copying() -> Any:
        async with _asked(instance, args, kwargs, _ROWS_TO_COME):
            pass
        async with wrapped(*args, **kwargs) as copy:
            yield copy

    return copying()
