"""neo4j: `Session.run`, `Transaction.run` and `Driver.execute_query`, sync and async; the functions of a managed transaction end there."""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "neo4j"
MODULES = (
    "neo4j._sync.work.session", "neo4j._sync.work.transaction", "neo4j._sync.driver",
    "neo4j._async.work.session", "neo4j._async.work.transaction", "neo4j._async.driver", "neo4j._async_compat.network._bolt_socket",
)  # fmt: skip
FAMILY = "database"

_SEAMS = (
    ("Session", "run"), ("TransactionBase", "run"), ("Driver", "execute_query"),
    ("AsyncSession", "run"), ("AsyncTransactionBase", "run"), ("AsyncDriver", "execute_query"),
)  # fmt: skip


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__.endswith("_bolt_socket"):
        for name in ("AsyncBoltSocketBase", "BoltSocketBase"):
            if name in vars(module):
                patcher.connects(vars(module)[name], "_connect_secure", "_connect")
        return
    for name, method in _SEAMS:
        owner = vars(module).get(name)
        if owner is not None:
            patcher.wrap(owner, method, _run_async if name.startswith("Async") else _run)


def _call_of(instance: Any, args: Any, kwargs: Any) -> Call:
    query = args[0] if args else kwargs.get("query", kwargs.get("query_", ""))
    text = str(getattr(query, "text", query))
    words = {word.strip("(){}[],;").upper() for word in text.split()}
    if words & {"DELETE", "DROP", "REMOVE"}:
        action = "delete"
    elif words & {"CREATE", "MERGE", "SET", "LOAD", "GRANT", "REVOKE", "ALTER", "FOREACH"}:
        action = "write"
    else:
        action = "execute" if "CALL" in words else "read"
    address = getattr(getattr(instance, "_pool", None), "address", None)
    host, port = (address[0], address[1]) if address else ("", 7687)
    parameters = args[1] if len(args) > 1 else kwargs.get("parameters", kwargs.get("parameters_"))
    given = {key: value for key, value in kwargs.items() if not key.endswith("_")}
    return Call(
        "neo4j.Session.run",
        "database",
        action,
        ("database", "neo4j"),
        f"neo4j://{host}:{port}/",
        text.split(None, 1)[0].upper() if text.strip() else "",
        (text, parameters, given),
    )


def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with governed_call(_call_of(instance, args, kwargs)):
        return wrapped(*args, **kwargs)


async def _run_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with governed_call(_call_of(instance, args, kwargs)):
        return await wrapped(*args, **kwargs)
