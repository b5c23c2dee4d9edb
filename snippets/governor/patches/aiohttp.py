"""aiohttp: `BaseConnector.connect` gets the whole request before a connection is made, once for each redirect hop.

`ClientSession._request` follows redirects inside itself and would see only the first hop.
"""

from __future__ import annotations

from governor._gate import governed_call
from governor._http import deciding_fields, http_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "aiohttp"
MODULES = ("aiohttp.connector",)
FAMILY = "http"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.BaseConnector, "connect", _connect)


async def _connect(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    request = args[0] if args else kwargs["req"]
    method = getattr(request, "method", "GET")
    url = str(request.url)
    fields = deciding_fields(getattr(request, "headers", None), url)
    call = http_call("aiohttp.ClientSession.request", method, url, _content(getattr(request, "body", None)), fields)
    async with governed_call(call):
        return await wrapped(*args, **kwargs)


def _content(body: Any) -> Any:
    """The bytes of a payload that holds them; other payloads are read once, and so are never the same twice."""
    if body is None or isinstance(body, (bytes, str)):
        return body
    value = getattr(body, "_value", body)
    return value if isinstance(value, (bytes, bytearray, memoryview, str)) else body
