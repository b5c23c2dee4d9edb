"""http.client: `HTTPConnection.putrequest` is the first step of every request, below urllib, httplib2, xmlrpc and urllib3.

Only verb and path are known there, the body follows in later calls; `request` is taken too, which knows the body,
and whose `putrequest` then passes. A `putrequest` on its own is asked each time. `send` is the last step: bytes that belong to
no request that was decided, on a connection of its own or from before `enable()`, are asked about as they are.
"""

from __future__ import annotations

from governor._gate import covers_request, governed_call, passing
from governor._http import deciding_fields, http_call, url_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "http.client"
MODULES = ("http.client",)
FAMILY = "http"

# The body of a request that is put together step by step is not known yet: never the same question twice.
_UNKNOWN_BODY = object()
# On a connection while the request that it is at was decided.
_DECIDED = "_governor_decided"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.connects(module.HTTPConnection, "connect")
    patcher.wrap(module.HTTPConnection, "request", _request)
    patcher.wrap(module.HTTPConnection, "putrequest", _putrequest)
    patcher.wrap(module.HTTPConnection, "send", _send)
    patcher.wrap(module.HTTPConnection, "_tunnel", _tunnel, optional=True)
    patcher.wrap(module.HTTPConnection, "getresponse", _getresponse, optional=True)


def _request(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    body = args[2] if len(args) > 2 else kwargs.get("body")
    method, url = _target(instance, args, kwargs)
    fields = deciding_fields(args[3] if len(args) > 3 else kwargs.get("headers"), url)
    try:
        if covers_request(method, url, body, fields):
            return wrapped(*args, **kwargs)
        with governed_call(http_call("http.client.HTTPConnection.request", method, url, body, fields)):
            return wrapped(*args, **kwargs)
    finally:
        # All of it is sent: what `send` sends from here on was not asked about.
        instance.__dict__.pop(_DECIDED, None)


def _putrequest(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    method, url = _target(instance, args, kwargs)
    if covers_request(method, url, _UNKNOWN_BODY):
        result = wrapped(*args, **kwargs)
    else:
        instance.__dict__.pop(_DECIDED, None)
        with governed_call(http_call("http.client.HTTPConnection.putrequest", method, url, _UNKNOWN_BODY)):
            result = wrapped(*args, **kwargs)
    instance.__dict__[_DECIDED] = True
    return result


def _send(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    if _DECIDED in instance.__dict__:
        return wrapped(*args, **kwargs)
    data = args[0] if args else kwargs.get("data")
    line = bytes(data[:4096]).partition(b"\r\n")[0].decode("latin-1").split(" ") if isinstance(data, (bytes, bytearray)) else []
    method, path = (line[0], line[1]) if len(line) == 3 and line[2].startswith("HTTP/") else ("SEND", "/")
    with governed_call(http_call("http.client.HTTPConnection.send", *_target(instance, (method, path), {}), data)):
        return wrapped(*args, **kwargs)


def _tunnel(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    # The way to the host through a proxy, which carries nothing yet.
    with passing("http"):
        return wrapped(*args, **kwargs)


def _getresponse(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    response = wrapped(*args, **kwargs)
    # The request is over: what is sent from here on belongs to another.
    instance.__dict__.pop(_DECIDED, None)
    return response


def _target(connection: Any, args: Any, kwargs: Any) -> tuple[str, str]:
    method = args[0] if args else kwargs.get("method", "GET")
    path = args[1] if len(args) > 1 else kwargs.get("url", "/")
    tunnelled = getattr(connection, "_tunnel_host", None)
    host = tunnelled or connection.host
    port = getattr(connection, "_tunnel_port", None) if tunnelled else connection.port
    scheme = "https" if getattr(connection, "default_port", 80) == 443 else "http"
    return method, url_of(scheme, str(host), port, str(path or "/"))
