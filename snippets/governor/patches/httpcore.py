"""httpcore: `ConnectionPool.handle_request`, for code that uses httpx's lower half itself."""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call
from governor._http import deciding_fields, http_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "httpcore"
MODULES = ("httpcore._sync.connection_pool", "httpcore._async.connection_pool", "httpcore2._sync.connection_pool", "httpcore2._async.connection_pool")
FAMILY = "http"


def install(module: ModuleType, patcher: Patcher) -> None:
    if "_sync" in module.__name__:
        patcher.wrap(module.ConnectionPool, "handle_request", _send)
    else:
        patcher.wrap(module.AsyncConnectionPool, "handle_async_request", _send_async)


def _send(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with governed_call(_call_of("httpcore.ConnectionPool.handle_request", args, kwargs)):
        return wrapped(*args, **kwargs)


async def _send_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with governed_call(_call_of("httpcore.AsyncConnectionPool.handle_async_request", args, kwargs)):
        return await wrapped(*args, **kwargs)


def _call_of(qualified_name: str, args: Any, kwargs: Any) -> Call:
    request = args[0] if args else kwargs["request"]
    url = request.url
    authority = bytes(url.host).decode("ascii") + (f":{url.port}" if url.port else "")
    full = f"{url.scheme.decode()}://{authority}{url.target.decode('latin-1')}"
    return http_call(qualified_name, request.method, full, request.stream, deciding_fields(request.headers, full))
