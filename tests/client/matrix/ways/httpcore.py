"""httpcore: pools and single connections, sync and async, below httpx."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("httpcore", "trio")


def _url(target: Any) -> str:
    return f"{target.url}/{target.marker}"


def _origin(target: Any) -> Any:
    import httpcore

    return httpcore.Origin(b"http", b"127.0.0.1", target.port)


@way("pool.request", faults=True, carriers=("thread", "pool"))
def pool_request(target: Any) -> Any:
    import httpcore

    with httpcore.ConnectionPool() as pool:
        return pool.request("POST", _url(target), content=b"x").content.decode()


@way("pool.stream")
def pool_stream(target: Any) -> Any:
    import httpcore

    with httpcore.ConnectionPool() as pool, pool.stream("GET", _url(target)) as response:
        return response.read().decode()


@way("request")
def request(target: Any) -> Any:
    import httpcore

    return httpcore.request("GET", _url(target)).content.decode()


@way("connection.request")
def connection_request(target: Any) -> Any:
    import httpcore

    with httpcore.HTTPConnection(_origin(target)) as connection:
        return connection.request("GET", _url(target)).content.decode()


@way("http11-connection")
def http11(target: Any) -> Any:
    import httpcore

    stream = httpcore.SyncBackend().connect_tcp("127.0.0.1", target.port)
    with httpcore.HTTP11Connection(_origin(target), stream) as connection:
        return connection.request("GET", _url(target)).content.decode()


@way("async-pool.request", faults=True)
async def async_pool(target: Any) -> Any:
    import httpcore

    async with httpcore.AsyncConnectionPool() as pool:
        return (await pool.request("GET", _url(target))).content.decode()


@way("async-connection.request")
async def async_connection(target: Any) -> Any:
    import httpcore

    async with httpcore.AsyncHTTPConnection(_origin(target)) as connection:
        return (await connection.request("GET", _url(target))).content.decode()
