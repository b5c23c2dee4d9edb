"""tornado: `AsyncHTTPClient.fetch` is below the synchronous client and above both implementations, on its own sockets.

A redirect comes back to it with the next URL, which is a question of its own. Its websocket client is not taken.
"""

from __future__ import annotations

import sys

from governor._errors import GovernorError
from governor._gate import governed_call
from governor._http import deciding_fields, http_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "tornado"
MODULES = ("tornado.httpclient",)
FAMILY = "http"
NOT_INTERCEPTED = ("tornado.websocket.websocket_connect",)


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.AsyncHTTPClient, "fetch", _fetch, asynchronous=False)


def _fetch(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    import asyncio

    request = args[0] if args else kwargs.get("request")
    url = request if isinstance(request, str) else str(getattr(request, "url", ""))
    method = kwargs.get("method", "GET") if isinstance(request, str) else str(getattr(request, "method", "GET"))
    body = kwargs.get("body") if isinstance(request, str) else getattr(request, "body", None)

    headers = kwargs.get("headers") if isinstance(request, str) else getattr(request, "headers", None)

    async def fetch() -> Any:
        guard = governed_call(http_call("tornado.httpclient.AsyncHTTPClient.fetch", method, url, body, deciding_fields(headers, url)))
        try:
            await guard.__aenter__()
        except GovernorError as denial:
            if not hasattr(request, "original_request"):
                raise
            # A hop of a redirect: the client looks for the error in the response and raises it to its caller.
            return sys.modules["tornado.httpclient"].HTTPResponse(request, 599, error=denial)
        try:
            return await wrapped(*args, **kwargs)
        finally:
            await guard.__aexit__()

    return asyncio.ensure_future(fetch())
