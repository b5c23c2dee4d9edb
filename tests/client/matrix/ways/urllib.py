"""urllib.request: urlopen, urlretrieve, openers, redirects."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way

GEVENT = True
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    from urllib.request import build_opener, urlopen

    _bound.update(urlopen=urlopen, opener=build_opener())


@way("urlopen", carriers=True, faults=True)
def urlopen(target: Any) -> Any:
    import urllib.request

    with urllib.request.urlopen(f"{target.url}/{target.marker}", data=b"x") as response:
        return [response.status, response.read().decode()]


@way("request-object")
def request_object(target: Any) -> Any:
    import urllib.request

    request = urllib.request.Request(f"{target.url}/{target.marker}", method="DELETE")
    with urllib.request.urlopen(request) as response:
        return response.status


@way("urlretrieve")
def urlretrieve(target: Any) -> Any:
    import urllib.request

    path, _ = urllib.request.urlretrieve(f"{target.url}/{target.marker}")
    with open(path) as content:
        return content.read()


@way("bound-urlopen")
def bound_urlopen(target: Any) -> Any:
    return _bound["urlopen"](f"{target.url}/{target.marker}", data=b"x").status


@way("bound-opener")
def bound_opener(target: Any) -> Any:
    return _bound["opener"].open(f"{target.url}/{target.marker}", data=b"x").status


@way("redirect", redirects=True, decisions=2)
def redirect(target: Any) -> Any:
    import urllib.request

    return urllib.request.urlopen(f"{target.url}/hop/{target.marker}").status


@way("raises-not-found")
def raises_not_found(target: Any) -> Any:
    import urllib.request

    urllib.request.urlopen(f"{target.url}/missing/{target.marker}", data=b"x")


@way("xmlrpc", decisions=1)
def xmlrpc(target: Any) -> Any:
    import xmlrpc.client

    try:
        return xmlrpc.client.ServerProxy(f"{target.url}/{target.marker}").work()
    except Exception as error:
        if type(error).__name__ != "ExpatError":
            raise
        return "answered"
