"""What HTTP layers have in common: method to action, URL from parts."""

from __future__ import annotations

from governor._call import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["deciding_fields", "http_call", "httpx_call", "url_of"]

# Header fields that say what happens, not how: the same URL and body with another one is another question.
_DECIDING = frozenset(
    "destination host soapaction x-amz-copy-source x-amz-target x-goog-copy-source x-http-method x-http-method-override x-method-override"
    " x-ms-copy-source x-ms-rename-source".split()
)
_READS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND"})


def http_call(qualified_name: str, method: str, url: str, body: Any = None, fields: tuple[tuple[str, str], ...] = ()) -> Call:
    if not isinstance(method, str):
        method = method.decode("latin-1") if isinstance(method, bytes) else str(method)
    method = method.upper()
    action = "read" if method in _READS else "delete" if method == "DELETE" else "write"
    return Call(qualified_name, "http", action, None, url, method, body, fields=fields)


def deciding_fields(headers: Any, url: str) -> tuple[tuple[str, str], ...]:
    """Those of a request's header fields (a mapping or pairs) that decide what happens; a `Host` only where it is not the URL's."""
    if not headers or _DECIDING.isdisjoint(getattr(headers, "_store", _DECIDING)):
        # requests keeps its names in lower case there, which makes the usual case quick.
        return ()
    found = []
    for name, value in headers.items() if hasattr(headers, "items") else headers:
        name = _text(name).lower()
        if name in _DECIDING:
            value = _text(value)
            if name != "host" or value.lower() != url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2].lower():
                found.append((name, value))
    return tuple(sorted(found)) if found else ()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else value.decode("latin-1") if isinstance(value, bytes) else str(value)


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
    body, url = request.__dict__.get("_content"), str(request.url)
    return http_call(qualified_name, request.method, url, request.stream if body is None else body, deciding_fields(request.headers.raw, url))
