"""A governed HTTP request, for code that wants to name it: asked before it is sent, whether or not `enable()` was called."""

from __future__ import annotations

from governor._call import Call
from governor._http import http_call
from governor._primitive import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["Response", "fetch"]


class Response:
    """What came back: `status`, `headers`, `body`, `text`, `json()`."""

    __slots__ = ("body", "headers", "status", "url")

    def __init__(self, status: int, url: str, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.url = url
        self.headers = headers
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        import json

        return json.loads(self.body)


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | str | None = None,
    json: Any = None,
    timeout: float = 30.0,
) -> Response:
    """Send one request; a redirect is returned, not followed. An error status is a response, not an exception."""
    fields = dict(headers or {})
    if json is not None:
        import json as encoder

        body = encoder.dumps(json)
        fields.setdefault("Content-Type", "application/json")
    payload = body.encode("utf-8") if isinstance(body, str) else body
    call = http_call("governor.http.fetch", method, url, payload)
    return run(call, lambda: _send(call, payload, fields, timeout))


def _send(call: Call, payload: bytes | None, fields: dict[str, str], timeout: float) -> Response:
    import urllib.error
    import urllib.request

    class Unfollowed(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args: Any) -> None:
            return None

    if not call.destination.lower().startswith(("http://", "https://")):
        raise ValueError(f"`fetch` takes an http or https URL, not `{call.destination}`")
    request = urllib.request.Request(call.destination, data=payload, headers=fields, method=call.method)
    try:
        with urllib.request.build_opener(Unfollowed).open(request, timeout=timeout) as answer:
            return Response(answer.status, answer.url, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Response(error.code, error.url or call.destination, dict(error.headers), error.read())
