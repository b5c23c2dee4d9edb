"""elasticsearch: `elastic_transport.Transport.perform_request` is below every API method and helper, above nodes and retries.

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

LIBRARY = "elasticsearch"
MODULES = ("elastic_transport._transport", "elastic_transport._async_transport")
FAMILY = "database"


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "elastic_transport._transport":
        patcher.wrap(module.Transport, "perform_request", _request)
    else:
        patcher.wrap(module.AsyncTransport, "perform_request", _request_async)


def _call_of(transport: Any, args: Any, kwargs: Any) -> Call:
    method = args[0] if args else kwargs.get("method", "GET")
    target = args[1] if len(args) > 1 else kwargs.get("target", "/")
    body = args[2] if len(args) > 2 else kwargs.get("body")
    nodes = [str(node.base_url) for node in transport.node_pool.all()]
    return search_call("elasticsearch.Elasticsearch.perform_request", nodes, str(method), str(target), body)


def _request(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with governed_call(_call_of(instance, args, kwargs)):
        return wrapped(*args, **kwargs)


async def _request_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with governed_call(_call_of(instance, args, kwargs)):
        return await wrapped(*args, **kwargs)
