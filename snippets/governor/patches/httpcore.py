"""httpcore: `handle_request` of pools and of single connections, for code that uses httpx's lower half itself."""

from __future__ import annotations

from governor._authority import is_step_of
from governor._call import Call
from governor._gate import governed_call, passing
from governor._http import deciding_fields, http_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "httpcore"
MODULES = (
    "httpcore._sync.connection_pool", "httpcore._async.connection_pool", "httpcore2._sync.connection_pool", "httpcore2._async.connection_pool",
    "httpcore._sync.connection", "httpcore._async.connection", "httpcore2._sync.connection", "httpcore2._async.connection",
    "httpcore._sync.http11", "httpcore._async.http11", "httpcore2._sync.http11", "httpcore2._async.http11",
    "httpcore._backends.sync", "httpcore._backends.anyio", "httpcore._backends.trio",
    "httpcore2._backends.sync", "httpcore2._backends.anyio", "httpcore2._backends.trio",
    "httpcore._sync.http2", "httpcore._async.http2", "httpcore2._sync.http2", "httpcore2._async.http2",
)  # fmt: skip
FAMILY = "http"


def install(module: ModuleType, patcher: Patcher) -> None:
    for name in ("SyncBackend", "AnyIOBackend", "TrioBackend"):
        if name in vars(module):
            patcher.connects(vars(module)[name], "connect_tcp", "connect_unix_socket")
    asynchronous = "._async." in module.__name__
    for name in ("ConnectionPool", "HTTPConnection", "HTTP11Connection", "HTTP2Connection"):
        name = "Async" + name if asynchronous else name
        if name in vars(module):
            patcher.wrap(vars(module)[name], "handle_async_request" if asynchronous else "handle_request", _send_async if asynchronous else _send)


def _send(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    if is_step_of("http"):
        # Below a pool's request, which a proxy may have given another form.
        return wrapped(*args, **kwargs)
    with governed_call(_call_of(instance, "handle_request", args, kwargs)), passing("http"):
        return wrapped(*args, **kwargs)


async def _send_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    if is_step_of("http"):
        return await wrapped(*args, **kwargs)
    async with governed_call(_call_of(instance, "handle_async_request", args, kwargs)):
        with passing("http"):
            return await wrapped(*args, **kwargs)


def _call_of(instance: Any, method: str, args: Any, kwargs: Any) -> Call:
    request = args[0] if args else kwargs["request"]
    url = request.url
    authority = bytes(url.host).decode("ascii") + (f":{url.port}" if url.port else "")
    full = f"{url.scheme.decode()}://{authority}{url.target.decode('latin-1')}"
    return http_call(f"httpcore.{type(instance).__name__}.{method}", request.method, full, request.stream, deciding_fields(request.headers, full))
