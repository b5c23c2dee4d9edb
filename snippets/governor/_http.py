"""What HTTP layers have in common: method to action, URL from parts."""

from __future__ import annotations

from governor._call import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["http_call", "url_of"]

_READS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND"})


def http_call(qualified_name: str, method: str, url: str, body: Any = None) -> Call:
    if not isinstance(method, str):
        method = method.decode("latin-1") if isinstance(method, bytes) else str(method)
    method = method.upper()
    action = "read" if method in _READS else "delete" if method == "DELETE" else "write"
    return Call(qualified_name, "http", action, None, url, method, body)


def url_of(scheme: str, host: str, port: Any, path: str) -> str:
    """A URL from what a connection knows; `path` may already be a whole URL (a request to a proxy)."""
    if "://" in path.partition("?")[0] and not path.startswith("/"):
        return path
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    authority = host if not port or str(port) == {"http": "80", "https": "443"}.get(scheme) else f"{host}:{port}"
    return f"{scheme}://{authority}{path if path.startswith('/') else '/' + path}"


def httpx_call(qualified_name: str, args: Any, kwargs: Any) -> Call:
    """The call for a request object of httpx or httpx2; a body that is still to be streamed is never the same twice."""
    request = args[0] if args else kwargs["request"]
    body = request.__dict__.get("_content")
    return http_call(qualified_name, request.method, str(request.url), request.stream if body is None else body)
