"""opensearch-py: `Transport.perform_request` is below every API method and helper, above connections and retries.

Sniffing for nodes goes to the HTTP layer.
"""

from __future__ import annotations

from governor._gate import governed_call
from governor._search import search_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._call import Call
    from governor._patcher import Patcher

LIBRARY = "opensearch"
MODULES = ("opensearchpy.transport", "opensearchpy._async.transport")
FAMILY = "database"


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "opensearchpy.transport":
        patcher.wrap(module.Transport, "perform_request", _request)
    else:
        patcher.wrap(module.AsyncTransport, "perform_request", _request_async)


def _call_of(transport: Any, args: Any, kwargs: Any) -> Call:
    method, url, parameters, body = (args + (None, None, None, None))[:4]
    method, url = kwargs.get("method", method), kwargs.get("url", url)
    parameters, body = kwargs.get("params", parameters), kwargs.get("body", body)
    pool = getattr(transport, "connection_pool", None)
    nodes = [str(connection.host) for connection in getattr(pool, "connections", ())]
    return search_call("opensearchpy.OpenSearch.perform_request", nodes, str(method or "GET"), str(url or "/"), (parameters, body))


def _request(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with governed_call(_call_of(instance, args, kwargs)):
        return wrapped(*args, **kwargs)


async def _request_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with governed_call(_call_of(instance, args, kwargs)):
        return await wrapped(*args, **kwargs)
