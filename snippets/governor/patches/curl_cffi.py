"""curl_cffi: libcurl does the work out of sight of every other layer, so the sessions' `request` is taken, and a bare `Curl.perform`.

A redirect's hops are inside libcurl, so sessions follow redirects here instead, one question a hop. Out of reach: the hops of a bare
`Curl` with FOLLOWLOCATION and of `allow_redirects="safe"`, and a bare `AsyncCurl`.
"""

from __future__ import annotations

from governor._call import host_of
from governor._gate import governed_call
from governor._http import http_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "curl_cffi"
MODULES = ("curl_cffi.requests.session", "curl_cffi.curl")
FAMILY = "http"
NOT_INTERCEPTED = ("curl_cffi.AsyncCurl.add_handle", "curl_cffi.requests.Session.ws_connect", "curl_cffi.requests.AsyncSession.ws_connect")

_BODIES = ("data", "content", "json", "files", "multipart")
_URL, _CUSTOM_METHOD, _POST = 10002, 10036, 47


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "curl_cffi.requests.session":
        patcher.wrap(module.Session, "request", _request)
        patcher.wrap(module.AsyncSession, "request", _request_async)
    else:
        patcher.wrap(module.Curl, "setopt", _remember)
        patcher.wrap(module.Curl, "perform", _perform)


def _first(args: Any, kwargs: Any) -> dict[str, Any]:
    given = dict(kwargs)
    given.update(zip(("method", "url", "params", "data"), args))
    return given


def _asked(session: Any, given: dict[str, Any]) -> Any:
    url = str(given.get("url", ""))
    base = getattr(session, "base_url", None)
    if base and "://" not in url:
        url = f"{str(base).rstrip('/')}/{url.lstrip('/')}"
    body = [given[name] for name in ("params", *_BODIES) if given.get(name) is not None]
    return governed_call(http_call("curl_cffi.requests.Session.request", str(given.get("method", "GET")), url, body))


def _follows(session: Any, given: dict[str, Any]) -> int:
    """How many redirects may be followed here."""
    follow = given.get("allow_redirects")
    follow = getattr(session, "allow_redirects", True) if follow is None else follow
    limit = given.get("max_redirects")
    limit = getattr(session, "max_redirects", 30) if limit is None else limit
    if follow is not True:
        return 0
    given["allow_redirects"] = False
    return limit if isinstance(limit, int) and limit >= 0 else 1 << 30


def _is_hop(response: Any, left: int) -> bool:
    return left > 0 and response.status_code in (301, 302, 303, 307, 308) and bool(response.redirect_url)


def _next(given: dict[str, Any], response: Any) -> dict[str, Any]:
    """The request that a redirect leads to, as libcurl makes it."""
    following = {name: value for name, value in given.items() if name != "params"}
    following["url"] = response.redirect_url
    method = str(given.get("method", "GET")).upper()
    if (response.status_code in (301, 302) and method == "POST") or (response.status_code == 303 and method not in ("GET", "HEAD")):
        following = {name: value for name, value in following.items() if name not in _BODIES}
        following["method"] = "GET"
    if host_of(str(response.redirect_url)) != host_of(str(response.url)):
        following.pop("auth", None)
        headers = following.get("headers")
        if isinstance(headers, dict):
            following["headers"] = {name: value for name, value in headers.items() if str(name).lower() not in ("authorization", "cookie")}
    return following


def _finish(response: Any, history: list[Any]) -> Any:
    if history:
        for hop in history:
            hop.content = b""
        response.history = [*history, *response.history]
        response.redirect_count = len(history) + response.redirect_count
    return response


def _request(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    given = _first(args, kwargs)
    left = _follows(instance, given)
    with _asked(instance, given):
        response = wrapped(**given)
    history: list[Any] = []
    while _is_hop(response, left - len(history)):
        given = _next(given, response)
        history.append(response)
        with _asked(instance, given):
            response = wrapped(**given)
    return _finish(response, history)


async def _request_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    given = _first(args, kwargs)
    left = _follows(instance, given)
    async with _asked(instance, given):
        response = await wrapped(**given)
    history: list[Any] = []
    while _is_hop(response, left - len(history)):
        given = _next(given, response)
        history.append(response)
        async with _asked(instance, given):
            response = await wrapped(**given)
    return _finish(response, history)


def _remember(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    option = int(args[0]) if args else 0
    if option in (_URL, _CUSTOM_METHOD, _POST):
        value = args[1] if len(args) > 1 else b""
        instance.__dict__.setdefault("_governor_options", {})[option] = value.decode("latin-1") if isinstance(value, bytes) else value
    return wrapped(*args, **kwargs)


def _perform(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    options = instance.__dict__.get("_governor_options", {})
    method = options.get(_CUSTOM_METHOD) or ("POST" if options.get(_POST) else "GET")
    # A bare handle's body was set in options of many kinds: it is asked each time.
    with governed_call(http_call("curl_cffi.Curl.perform", str(method), str(options.get(_URL, "")), object())):
        return wrapped(*args, **kwargs)
