"""mysqlclient: `Connection.query` is a Python method above the C connection, and cursors send through it.

libmysqlclient's own sockets are seen by nothing else. The C type `_mysql.connection`, used without the
class above it, takes no patch.
"""

from __future__ import annotations

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
    destination = instance.__dict__["_governor_destination"] = server_url("mysql", host, kwargs.get("port", 3306), name)
    # The C library runs this one by itself.
    with governed_statement("MySQLdb.connections.Connection.init_command", destination, kwargs.get("init_command") or "SET"):
        return wrapped(*args, **kwargs)


def _query(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    statement = args[0] if args else kwargs.get("query", b"")
    destination = instance.__dict__.get("_governor_destination") or _server(instance)
    with governed_statement("MySQLdb.connections.Connection.query", destination, statement):
        return wrapped(*args, **kwargs)


def _server(connection: Any) -> str:
    """The server of a connection that was opened before `enable()`, as the C library tells it: `127.0.0.1 via TCP/IP`."""
    try:
        host = str(connection.get_host_info()).partition(" via ")[0].lower()
    except Exception:
        # A connection that is closed cannot say; the driver will.
        host = ""
    return server_url("mysql", host, "", "")
