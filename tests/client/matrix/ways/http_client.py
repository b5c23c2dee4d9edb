"""http.client: request, the piecewise calls, chunked bodies, a connection from before."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way

GEVENT = True
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    _bound["connection"] = _connection(target)
    _bound["connection"].request("GET", f"/{target.marker}/warm")
    _bound["connection"].getresponse().read()


def _connection(target: Any) -> Any:
    import http.client

    return http.client.HTTPConnection(target.host, target.port)


@way("request", carriers=True, faults=True)
def request(target: Any) -> Any:
    connection = _connection(target)
    connection.request("POST", f"/{target.marker}", body=b"x")
    return connection.getresponse().read().decode()


@way("putrequest")
def putrequest(target: Any) -> Any:
    connection = _connection(target)
    connection.putrequest("PUT", f"/{target.marker}")
    connection.putheader("Content-Length", "1")
    connection.endheaders(b"x")
    return connection.getresponse().status


@way("chunked-body")
def chunked(target: Any) -> Any:
    connection = _connection(target)
    connection.request("POST", f"/{target.marker}", body=iter([b"a", b"b"]), encode_chunked=True)
    return connection.getresponse().status


@way("bound-connection-keep-alive")
def bound_connection(target: Any) -> Any:
    _bound["connection"].request("POST", f"/{target.marker}", body=b"x")
    return _bound["connection"].getresponse().read().decode()


@way("raw-send")
def raw_send(target: Any) -> Any:
    import http.client

    connection = _connection(target)
    connection.connect()
    connection.send(f"POST /{target.marker} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx".encode())
    response = http.client.HTTPResponse(connection.sock, method="POST")
    response.begin()
    return response.read().decode()


@way("subclass")
def subclass(target: Any) -> Any:
    import http.client

    class Own(http.client.HTTPConnection):
        def request(self, method: str, url: str, *args: Any, **options: Any) -> None:
            self._send_request(method, url, None, {}, False)  # type: ignore[attr-defined]

    connection = Own(target.host, target.port)
    connection.request("POST", f"/{target.marker}")
    return connection.getresponse().status


@way("raises-bad-url", effects=0)
def raises_bad_url(target: Any) -> Any:
    _connection(target).request("GET", "/a b\n")
