"""SQLAlchemy: `Connection._exec_single_context` and its two siblings run every statement of Core and ORM, once each.

The driver's own patch below then passes: one decision a statement. The documented event `before_cursor_execute` could
deny as well, but not mark the driver's call as decided. SQLAlchemy 1.4 has `_execute_context` instead. Under
asyncio the question goes through the greenlet bridge, so that the loop is not blocked. What SQLAlchemy reads from a new
connection for itself (version, isolation level) and its pings pass unasked.
"""

from __future__ import annotations

import sys

from governor._gate import governed_call, passing
from governor._statement import server_url, sql_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._call import Call
    from governor._patcher import Patcher

LIBRARY = "sqlalchemy"
MODULES = ("sqlalchemy.engine.base", "sqlalchemy.engine.default", "sqlalchemy.pool.base")
FAMILY = "database"


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "sqlalchemy.pool.base":
        patcher.wrap(module._ConnectionRecord, "_ConnectionRecord__connect", _housekeeping, optional=True)
        return
    if module.__name__ == "sqlalchemy.engine.default":
        patcher.wrap(module.DefaultDialect, "_do_ping_w_event", _housekeeping, optional=True)
        return
    connection = module.Connection
    if patcher.wrap(connection, "_exec_single_context", _single) is None:
        patcher.wrap(connection, "_execute_context", _before_2)
    patcher.wrap(connection, "_exec_insertmany_context", _many)
    patcher.wrap(connection, "_cursor_execute", _cursor)


def _housekeeping(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with passing("database", "read"):
        return wrapped(*args, **kwargs)


def _single(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    context = args[1]
    many = bool(context.executemany)
    parameters = context.parameters if many or not context.parameters else context.parameters[0]
    return _run(wrapped, instance, args, kwargs, _call_of(instance, context.statement, parameters, many))


def _many(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    context = args[1]
    return _run(wrapped, instance, args, kwargs, _call_of(instance, context.statement, context.parameters, True))


def _cursor(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return _run(wrapped, instance, args, kwargs, _call_of(instance, args[1], args[2] if len(args) > 2 else None))


def _before_2(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    # The text is that of the expression, before it is compiled for the driver.
    statement = args[2] if len(args) > 2 else kwargs.get("statement")
    parameters = args[3] if len(args) > 3 else kwargs.get("parameters")
    return _run(wrapped, instance, args, kwargs, _call_of(instance, str(statement), parameters, True))


def _call_of(connection: Any, statement: Any, parameters: Any, reshaped: bool = False) -> Call | None:
    url = connection.engine.url
    if not url.host and url.database is None:
        # Connections by a `creator`: the URL says nothing about where they go.
        destination = _server_of(connection, url.drivername)
    else:
        try:
            destination = url.render_as_string(hide_password=True)
        except AttributeError:
            destination = repr(url)
    # As the driver's own patch names it: SQLite's is the file's name.
    database = str(url.database or "").rpartition("/")[2] or (":memory:" if url.get_backend_name() == "sqlite" else "")
    return sql_call("sqlalchemy.engine.Connection.execute", str(destination), statement or "", parameters, database=database, reshaped=reshaped)


def _server_of(connection: Any, scheme: str) -> str:
    made = getattr(connection.connection, "dbapi_connection", None)
    made = getattr(made, "driver_connection", made)
    known = getattr(made, "info", None) if hasattr(getattr(made, "info", None), "dbname") else made
    known_as = getattr(made, "_governor_destination", None)
    if known_as:
        return str(known_as)
    address = getattr(made, "_addr", None)
    host, port = address[:2] if isinstance(address, tuple) else (getattr(known, "host", ""), getattr(known, "port", ""))
    return server_url(scheme, host, port, getattr(known, "dbname", None) or getattr(known, "db", "") or "")


def _run(wrapped: Any, connection: Any, args: Any, kwargs: Any, call: Call | None) -> Any:
    if call is None:
        return wrapped(*args, **kwargs)
    guard = governed_call(call)
    bridge = _greenlet_bridge(connection)
    if bridge is None:
        guard.__enter__()
    else:
        bridge(guard.__aenter__())
    try:
        return wrapped(*args, **kwargs)
    finally:
        guard.__exit__()


def _greenlet_bridge(connection: Any) -> Any:
    """SQLAlchemy's `await_only`, if this runs below an async engine with a driver that awaits as well.

    With another driver it has to look as if nothing was awaited, since SQLAlchemy reports that as a mistake.
    """
    adapted = getattr(sys.modules.get("sqlalchemy.engine.interfaces"), "AdaptedConnection", None)
    if adapted is None or not isinstance(getattr(connection.connection, "dbapi_connection", None), adapted):
        return None
    concurrency = sys.modules.get("sqlalchemy.util.concurrency")
    in_greenlet = getattr(concurrency, "in_greenlet", None)
    if "asyncio" not in sys.modules or in_greenlet is None:
        return None
    try:
        if not in_greenlet():
            return None
    except ImportError:  # without greenlet there is no async engine
        return None
    return getattr(concurrency, "await_only", None)
