"""cassandra-driver: `Session.execute_async` is below `execute`, the concurrent helpers and the object mapper; graphs have their own."""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call
from governor._statement import governed_statement, server_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "cassandra-driver"
MODULES = ("cassandra.cluster", "cassandra.connection")
FAMILY = "database"
NOT_INTERCEPTED = ("cassandra.cluster.Session.prepare",)


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "cassandra.connection":
        patcher.connects(module.Connection, "_initiate_connection")
        return
    patcher.wrap(module.Session, "execute_async", _execute)
    patcher.wrap(module.Session, "execute_graph_async", _execute_graph, optional=True)


def _execute(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    query = args[0] if args else kwargs.get("query", "")
    parameters = args[1] if len(args) > 1 else kwargs.get("parameters")
    prepared = getattr(query, "prepared_statement", None)
    text = getattr(prepared, "query_string", None) or getattr(query, "query_string", None)
    if text is None and hasattr(query, "_statements_and_parameters"):
        # A batch: its statements are bytes and bound values that cannot be told apart here.
        text, parameters = "BATCH", object()
    values = getattr(query, "values", None)
    with governed_statement("cassandra.cluster.Session.execute", _destination(instance), text or str(query), (parameters, values)):
        return wrapped(*args, **kwargs)


def _execute_graph(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    query = args[0] if args else kwargs.get("query", "")
    text = str(getattr(query, "query_string", query))
    parameters = args[1] if len(args) > 1 else kwargs.get("parameters")
    # A traversal's text does not tell whether it only reads.
    call = Call("cassandra.cluster.Session.execute_graph", "database", "execute", None, _destination(instance), "GRAPH", (text, parameters))
    with governed_call(call):
        return wrapped(*args, **kwargs)


def _destination(session: Any) -> str:
    cluster = getattr(session, "cluster", None)
    contact = next(iter(getattr(cluster, "contact_points", None) or ("",)))
    return server_url("cassandra", contact, getattr(cluster, "port", 9042), getattr(session, "keyspace", ""))
