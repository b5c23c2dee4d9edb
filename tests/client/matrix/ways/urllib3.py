"""urllib3: pools, managers, the module function, retries, streams."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way

REQUIRES = ("urllib3",)
GEVENT = True
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    import urllib3

    _bound["manager"] = urllib3.PoolManager()
    _bound["manager"].request("GET", f"{target.url}/{target.marker}/warm")
    _bound["pool"] = urllib3.HTTPConnectionPool(target.host, target.port)


@way("manager.request", carriers=True, faults=True)
def manager(target: Any) -> Any:
    import urllib3

    response = urllib3.PoolManager().request("POST", f"{target.url}/{target.marker}", body=b"x")
    return [response.status, response.data.decode()]


@way("request")
def request(target: Any) -> Any:
    import urllib3

    return urllib3.request("POST", f"{target.url}/{target.marker}", json={"a": 1}).status


@way("pool.urlopen")
def urlopen(target: Any) -> Any:
    import urllib3

    return urllib3.HTTPConnectionPool(target.host, target.port).urlopen("PUT", f"/{target.marker}", body=b"x").status


@way("pool.request-fields")
def fields(target: Any) -> Any:
    import urllib3

    pool = urllib3.connection_from_url(target.url)
    return pool.request("POST", f"/{target.marker}", fields={"a": "b"}).status


@way("streamed")
def streamed(target: Any) -> Any:
    import urllib3

    response = urllib3.PoolManager().request("POST", f"{target.url}/stream/{target.marker}", preload_content=False)
    return next(response.stream(5)).decode()


@way("with-retries")
def with_retries(target: Any) -> Any:
    import urllib3

    return urllib3.PoolManager(retries=urllib3.Retry(5, backoff_factor=0)).request("POST", f"{target.url}/{target.marker}").status


@way("bound-manager-keep-alive")
def bound_manager(target: Any) -> Any:
    return _bound["manager"].request("POST", f"{target.url}/{target.marker}").status


@way("bound-pool")
def bound_pool(target: Any) -> Any:
    return _bound["pool"].urlopen("POST", f"/{target.marker}").status


@way("connection.request")
def connection(target: Any) -> Any:
    import urllib3

    made = urllib3.connection.HTTPConnection(target.host, target.port)
    made.request("POST", f"/{target.marker}", body=b"x")
    return made.getresponse().status


@way("subclass")
def subclass(target: Any) -> Any:
    import urllib3

    class Own(urllib3.HTTPConnectionPool):
        def urlopen(self, *args: Any, **options: Any) -> Any:
            return super().urlopen(*args, **options)

    return Own(target.host, target.port).request("POST", f"/{target.marker}").status


@way("redirect", redirects=True, decisions=2)
def redirect(target: Any) -> Any:
    import urllib3

    return urllib3.PoolManager().request("POST", f"{target.url}/hop/{target.marker}").status
