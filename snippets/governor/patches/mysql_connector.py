"""mysql-connector-python: `cmd_query` and `cmd_stmt_execute` send every statement, for each of its three connections.

Cursors, prepared cursors, `callproc` and multi-statements end there, with the values already in the text. A prepared
statement is known by its number there, so its text is kept when it is prepared.
"""

from __future__ import annotations

from governor._gate import passing
from governor._statement import governed_statement, server_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "mysql-connector"
MODULES = (
    "mysql.connector.connection",
    "mysql.connector.connection_cext",
    "mysql.connector.aio.connection",
    "mysql.connector.cursor",
    "mysql.connector.cursor_cext",
)
FAMILY = "database"


def install(module: ModuleType, patcher: Patcher) -> None:
    for name in ("MySQLCursor", "CMySQLCursor"):
        if name in vars(module) and hasattr(vars(module)[name], "callproc"):
            patcher.wrap(vars(module)[name], "callproc", _callproc)
    asynchronous = ".aio." in module.__name__
    for name in ("MySQLConnection", "CMySQLConnection"):
        connection = vars(module).get(name)
        if connection is None:
            continue
        if asynchronous:
            patcher.connects(connection, "connect")
            patcher.wrap(connection, "cmd_query", _query_async)
            patcher.wrap(connection, "cmd_stmt_prepare", _prepare_async)
            patcher.wrap(connection, "cmd_stmt_execute", _execute_async)
        else:
            for method in ("cmd_query", "cmd_query_iter"):
                patcher.wrap(connection, method, _query)
            patcher.wrap(connection, "cmd_stmt_prepare", _prepare)
            patcher.wrap(connection, "cmd_stmt_execute", _execute)
            patcher.connects(connection, "_open_connection")
            patcher.wrap(connection, "info_query", _look_up, optional=True)


def _asked(connection: Any, statement: Any, values: Any = None) -> Any:
    destination = server_url("mysql", getattr(connection, "_host", ""), getattr(connection, "_port", ""), getattr(connection, "_database", ""))
    return governed_statement("mysql.connector.MySQLConnection.cmd_query", destination, statement, values)


def _statement(args: Any, kwargs: Any) -> Any:
    return args[0] if args else kwargs.get("query", kwargs.get("statement", kwargs.get("statements", "")))


def _query(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with _asked(instance, _statement(args, kwargs)):
        return wrapped(*args, **kwargs)


async def _query_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with _asked(instance, _statement(args, kwargs)):
        return await wrapped(*args, **kwargs)


def _callproc(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """One decision for the assignments, the call and the reading of its results, which the driver would translate."""
    procedure = args[0] if args else kwargs.get("procname", "")
    connection = instance._connection
    with _asked(connection, f"CALL {procedure}", args[1:] or kwargs.get("args")), passing("database"):
        return wrapped(*args, **kwargs)


def _keep_house(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with passing("database"):
        return wrapped(*args, **kwargs)


def _look_up(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """`info_query` reads the server's own variables, for the driver; anything else is the user's."""
    query = str(_statement(args, kwargs)).split(None, 1)
    if query and (query[0].upper() == "SHOW" or (query[0].upper() == "SELECT" and query[-1].startswith("@@") and "(" not in query[-1])):
        return _keep_house(wrapped, instance, args, kwargs)
    return _query(wrapped, instance, args, kwargs)


def _remember(connection: Any, prepared: Any, statement: Any) -> None:
    number = prepared.get("statement_id") if isinstance(prepared, dict) else prepared
    texts = connection.__dict__.setdefault("_governor_prepared", {})
    texts[number if isinstance(number, int) else id(number)] = statement


def _prepare(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    prepared = wrapped(*args, **kwargs)
    _remember(instance, prepared, _statement(args, kwargs))
    return prepared


async def _prepare_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    prepared = await wrapped(*args, **kwargs)
    _remember(instance, prepared, _statement(args, kwargs))
    return prepared


def _prepared_asked(connection: Any, args: Any, kwargs: Any) -> Any:
    number = args[0] if args else kwargs.get("statement_id", kwargs.get("prep_stmt"))
    texts = connection.__dict__.get("_governor_prepared", {})
    statement = texts.get(number if isinstance(number, int) else id(number), "EXECUTE prepared")
    values = kwargs.get("data", args[1] if len(args) > 1 and isinstance(args[1], (tuple, list)) else args[1:])
    return _asked(connection, statement, values)


def _execute(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with _prepared_asked(instance, args, kwargs):
        return wrapped(*args, **kwargs)


async def _execute_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with _prepared_asked(instance, args, kwargs):
        return await wrapped(*args, **kwargs)
