"""httpx2 (which openai 3 and anthropic 2 send through): the network transports, which every client, function and SDK sends through, once for each redirect hop.

`Client.send` follows redirects inside itself and would see only the first hop; it would also ask about requests that
never leave the process (ASGI, WSGI and mock transports).
"""

from __future__ import annotations

from governor._gate import governed_call
from governor._http import httpx_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "httpx2"
MODULES = ("httpx2._transports.default",)
FAMILY = "http"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.HTTPTransport, "handle_request", _send)
    patcher.wrap(module.AsyncHTTPTransport, "handle_async_request", _send_async)


def _send(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with governed_call(httpx_call("httpx2.Client.send", args, kwargs)):
        return wrapped(*args, **kwargs)


async def _send_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with governed_call(httpx_call("httpx2.AsyncClient.send", args, kwargs)):
        return await wrapped(*args, **kwargs)
