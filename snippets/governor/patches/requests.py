"""requests: `Session.send` is where `requests.get`, sessions and prepared requests meet, once for each redirect hop.

`HTTPAdapter.send` is taken too, for code that calls an adapter itself and for subclasses that override `send`.
"""

from __future__ import annotations

from governor._gate import covers_request, governed_call
from governor._http import deciding_fields, http_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "requests"
MODULES = ("requests.sessions", "requests.adapters")
FAMILY = "http"


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "requests.sessions":
        patcher.wrap(module.Session, "send", _send)
    else:
        patcher.wrap(module.HTTPAdapter, "send", _adapter_send)


def _send(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return _decide("requests.Session.send", wrapped, args, kwargs)


def _adapter_send(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return _decide("requests.adapters.HTTPAdapter.send", wrapped, args, kwargs)


def _decide(qualified_name: str, wrapped: Any, args: Any, kwargs: Any) -> Any:
    request = args[0] if args else kwargs.get("request")
    url, method = getattr(request, "url", None), getattr(request, "method", None) or "GET"
    if not isinstance(url, str) or url[:4].lower() != "http":
        # Not a prepared request, which requests refuses, or an adapter of the user's own for another scheme.
        return wrapped(*args, **kwargs)
    body, fields = getattr(request, "body", None), deciding_fields(getattr(request, "headers", None), url)
    if covers_request(method, url, body, fields):
        return wrapped(*args, **kwargs)
    with governed_call(http_call(qualified_name, method, url, body, fields)):
        return wrapped(*args, **kwargs)
