"""pymysql: `Connection.query` sends every statement; `Cursor.execute` above it knows the parameters' values.

`query` gets the text with the values already in it. `Cursor._query` is between the two; what the connection
says by itself (`SET NAMES`, autocommit, ping) does not pass through any of them or has no effect.
"""

from __future__ import annotations

from governor._statement import governed_statement, server_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "pymysql"
MODULES = ("pymysql.connections",)
FAMILY = "database"
NOT_INTERCEPTED = ("pymysql.connections.Connection.kill",)


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.Connection, "query", _query)
    patcher.connects(module.Connection, "connect")


def _query(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    statement = args[0] if args else kwargs.get("sql", "")
    destination = server_url("mysql", getattr(instance, "host", ""), getattr(instance, "port", ""), getattr(instance, "db", ""))
    with governed_statement("pymysql.connections.Connection.query", destination, statement):
        return wrapped(*args, **kwargs)
