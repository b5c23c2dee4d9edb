"""urllib3: `HTTPConnectionPool.urlopen` is where pool manager, `request()` and other libraries' pools meet.

It calls itself for retries and redirects: the same request passes, another URL is asked again.
"""

from __future__ import annotations

from governor._gate import covers_request, governed_call
from governor._http import deciding_fields, http_call, url_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "urllib3"
MODULES = ("urllib3.connectionpool", "urllib3.connection", "urllib3.http2.connection")
FAMILY = "http"


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "urllib3.connection":
        # A connection by itself is asked about by `http.client`, as soon as it sends.
        patcher.connects(module.HTTPConnection, "_new_conn")
        return
    if module.__name__ == "urllib3.http2.connection":
        # Beside `http.client`, whose methods it replaces.
        patcher.wrap(module.HTTP2Connection, "putrequest", _putrequest)
        return
    patcher.wrap(module.HTTPConnectionPool, "urlopen", _urlopen)


def _urlopen(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    method = args[0] if args else kwargs.get("method", "GET")
    path = args[1] if len(args) > 1 else kwargs.get("url", "/")
    body = args[2] if len(args) > 2 else kwargs.get("body")
    path = str(path)
    if "://" in path and getattr(instance, "proxy", None) is None:
        # A whole URL goes to this pool's host all the same, unless that is a proxy.
        path = "/" + path
    url = url_of(getattr(instance, "scheme", "http"), str(instance.host), instance.port, path)
    headers = args[3] if len(args) > 3 else kwargs.get("headers")
    fields = deciding_fields(getattr(instance, "headers", None) if headers is None else headers, url)
    if covers_request(method, url, body, fields):
        return wrapped(*args, **kwargs)
    with governed_call(http_call("urllib3.HTTPConnectionPool.urlopen", method, url, body, fields)):
        return wrapped(*args, **kwargs)


def _putrequest(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    method = args[0] if args else kwargs.get("method", "GET")
    path = str(args[1] if len(args) > 1 else kwargs.get("url", "/"))
    # The body follows: never the same question twice.
    url = url_of("https", instance.host, instance.port, path)
    with governed_call(http_call("urllib3.http2.connection.HTTP2Connection.putrequest", method, url, object())):
        return wrapped(*args, **kwargs)
