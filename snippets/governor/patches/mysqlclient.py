"""mysqlclient: `Connection.query` is a Python method above the C connection, and cursors send through it.

libmysqlclient's own sockets are seen by nothing else. The C type `_mysql.connection`, used without the
class above it, takes no patch.
"""

from __future__ import annotations

from governor._gate import passing
from governor._statement import governed_statement, server_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "mysqlclient"
MODULES = ("MySQLdb.connections",)
FAMILY = "database"
NOT_INTERCEPTED = ("MySQLdb._mysql.connection.query",)


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.Connection, "__init__", _connect, optional=True)
    patcher.wrap(module.Connection, "query", _query)


def _connect(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    host = args[0] if args else kwargs.get("host", "localhost")
    name = args[3] if len(args) > 3 else kwargs.get("database", kwargs.get("db", ""))
    instance.__dict__["_governor_destination"] = server_url("mysql", host, kwargs.get("port", 3306), name)
    with passing("database"):
        return wrapped(*args, **kwargs)


def _query(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    statement = args[0] if args else kwargs.get("query", b"")
    destination = instance.__dict__.get("_governor_destination", "mysql://localhost/")
    with governed_statement("MySQLdb.connections.Connection.query", destination, statement):
        return wrapped(*args, **kwargs)
