"""What requests to Elasticsearch and OpenSearch do: action and index, from method and path."""

from __future__ import annotations

from governor._call import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["search_call"]

_READS = frozenset(
    "_search _msearch _count _mget _scroll _explain _validate _field_caps _termvectors _mtermvectors _analyze _pit _sql _eql _esql _query".split()
)


def search_call(qualified_name: str, nodes: list[str], method: str, target: str, body: Any) -> Call:
    """One request to whichever of `nodes` (their base URLs); the HTTP request below it belongs to it."""
    method = method.upper()
    parts = [part for part in target.partition("?")[0].split("/") if part]
    index = parts[0] if parts and not parts[0].startswith("_") else "cluster"
    endpoints = {part for part in parts if part.startswith("_")}
    if method == "DELETE" or "_delete_by_query" in endpoints:
        action = "read" if endpoints & {"_pit", "_scroll"} or endpoints == {"_search", "scroll"} else "delete"
    elif method in ("GET", "HEAD") or endpoints & _READS:
        action = "read"
    else:
        action = "write"
    base = nodes[0].rstrip("/") if nodes else "http://"
    hosts = tuple(node.partition("://")[2].partition("/")[0].rpartition("@")[2].rpartition(":")[0] for node in nodes)
    destination = base + (target if target.startswith("/") else "/" + target)
    return Call(qualified_name, "database", action, ("index", index), destination, method, (target, body), carries=("http",), hosts=hosts)
