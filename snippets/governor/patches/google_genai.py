"""google-genai: `BaseApiClient._request` and its async twin are below every model call, streamed or not.

They sit above the HTTP client and its retries. File uploads go to the HTTP layer; the live API is a websocket.
"""

from __future__ import annotations

from governor._gate import governed_call
from governor._llm import llm_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._call import Call
    from governor._patcher import Patcher

LIBRARY = "google-genai"
MODULES = ("google.genai._api_client",)
FAMILY = "llm"


def install(module: ModuleType, patcher: Patcher) -> None:
    # Until version 1.1 the class had the shorter name.
    client = vars(module).get("BaseApiClient") or module.ApiClient
    patcher.wrap(client, "_request", _request)
    patcher.wrap(client, "_async_request", _request_async)


def _call_of(args: Any, kwargs: Any) -> Call:
    request = args[0] if args else kwargs.get("http_request")
    url = str(getattr(request, "url", ""))
    model = url.partition("?")[0].rpartition("/models/")[2].partition(":")[0] if "/models/" in url else ""
    return llm_call("google.genai.Client", str(getattr(request, "method", "post")), url, getattr(request, "data", None), model)


def _request(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with governed_call(_call_of(args, kwargs)):
        return wrapped(*args, **kwargs)


async def _request_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with governed_call(_call_of(args, kwargs)):
        return await wrapped(*args, **kwargs)
