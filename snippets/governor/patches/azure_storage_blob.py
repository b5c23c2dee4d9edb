"""azure-storage-blob: `azure.core.pipeline.Pipeline.run` and its async twin, which every Azure SDK on azure-core sends through.

So queues, key vaults, Cosmos and the management clients are asked for here too, above retries and the HTTP client. Service Bus
and Event Hubs speak AMQP by themselves and do not pass here.
"""

from __future__ import annotations

from governor._call import Call, host_of
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "azure-storage-blob"
MODULES = ("azure.core.pipeline._base", "azure.core.pipeline._base_async")
FAMILY = "cloud"

_SERVICES = ((".blob.", "object_store"), (".dfs.", "object_store"), (".queue.", "queue"), (".vault.", "secret"), (".documents.", "database"))


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "azure.core.pipeline._base":
        patcher.wrap(module.Pipeline, "run", _run)
    else:
        patcher.wrap(module.AsyncPipeline, "run", _run_async)


def _call_of(args: Any, kwargs: Any) -> Call:
    request = args[0] if args else kwargs.get("request")
    method, url = str(getattr(request, "method", "GET")).upper(), str(getattr(request, "url", ""))
    action = "read" if method in ("GET", "HEAD") else "delete" if method == "DELETE" else "write"
    host = host_of(url)
    kind = next((kind for mark, kind in _SERVICES if mark in host), "cloud")
    name = "/".join(url.partition("://")[2].partition("?")[0].split("/")[1:3]) or host
    body = getattr(request, "_data", None) or getattr(request, "data", None) or getattr(request, "content", None)
    return Call("azure.core.pipeline.Pipeline.run", "cloud", action, (kind, name), url, method, body, carries=("http",))


def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with governed_call(_call_of(args, kwargs)):
        return wrapped(*args, **kwargs)


async def _run_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with governed_call(_call_of(args, kwargs)):
        return await wrapped(*args, **kwargs)
