"""asyncpg: the protocol is Cython, and all public methods go through a few of the connection's own.

Prepared statements and cursors reach the protocol by themselves and are taken apart. The pool's reset of a
connection and its look-ups of types are its housekeeping.
"""

from __future__ import annotations

from governor._gate import passing
from governor._statement import governed_statement, server_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "asyncpg"
MODULES = ("asyncpg.connection", "asyncpg.prepared_stmt", "asyncpg.cursor", "asyncpg.connect_utils")
FAMILY = "database"


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "asyncpg.connection":
        for name in ("execute", "_execute", "_executemany", "_copy_in", "_copy_out"):
            patcher.wrap(module.Connection, name, _run)
        patcher.wrap(module.Connection, "copy_records_to_table", _copy_records)
        patcher.wrap(module.Connection, "copy_from_query", _copy_query)
        for name in ("_reset", "reset", "_introspect_types", "_introspect_type"):
            patcher.wrap(module.Connection, name, _keep_house, optional=True)
    elif module.__name__ == "asyncpg.prepared_stmt":
        for name in ("_PreparedStatement__bind_execute", "executemany", "fetchmany"):
            patcher.wrap(module.PreparedStatement, name, _run_prepared)
    elif module.__name__ == "asyncpg.connect_utils":
        patcher.connects(module, "_connect")
    else:
        for name in ("_bind_exec", "_bind"):
            patcher.wrap(module.BaseCursor, name, _open_cursor)


def _asked(connection: Any, query: Any, arguments: Any) -> Any:
    address = getattr(connection, "_addr", "")
    host, port = address[:2] if isinstance(address, tuple) else (address, "")
    database = getattr(getattr(connection, "_params", None), "database", "")
    return governed_statement("asyncpg.Connection.execute", server_url("postgresql", host, port, database), query, arguments)


async def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    query = args[0] if args else kwargs.get("query", kwargs.get("copy_stmt", ""))
    # `execute` takes the arguments one by one, what is below it as one sequence.
    arguments = args[1:] if wrapped.__name__ == "execute" else args[1] if len(args) > 1 else kwargs.get("args")
    async with _asked(instance, query, arguments):
        return await wrapped(*args, **kwargs)


async def _copy_records(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    table = args[0] if args else kwargs.get("table_name", "")
    schema = kwargs.get("schema_name")
    name = f'"{schema}"."{table}"' if schema else f'"{table}"'
    async with _asked(instance, f"COPY {name} FROM STDIN", (kwargs.get("columns"), kwargs.get("records"))):
        # What it copies by is a statement of its own making.
        with passing("database"):
            return await wrapped(*args, **kwargs)


async def _copy_query(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    query = args[0] if args else kwargs.get("query", "")
    async with _asked(instance, f"COPY ({query}) TO STDOUT", args[1:]):
        # It asks the server to quote the arguments, then copies.
        with passing("database"):
            return await wrapped(*args, **kwargs)


async def _keep_house(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with passing("database"):
        return await wrapped(*args, **kwargs)


async def _run_prepared(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    arguments = args[0] if args else kwargs.get("args")
    async with _asked(instance._connection, instance._query, arguments):
        return await wrapped(*args, **kwargs)


async def _open_cursor(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with _asked(instance._connection, instance._query, instance._args):
        return await wrapped(*args, **kwargs)
