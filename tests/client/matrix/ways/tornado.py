"""tornado: the asynchronous and the synchronous HTTP client."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("tornado",)


@way("fetch", carriers=("task", "loop-in-thread", "fork"), faults=True)
async def fetch(target: Any) -> Any:
    from tornado.httpclient import AsyncHTTPClient

    response = await AsyncHTTPClient().fetch(f"{target.url}/{target.marker}", method="POST", body="x")
    return [response.code, response.body.decode()]


@way("fetch-request")
async def fetch_request(target: Any) -> Any:
    from tornado.httpclient import AsyncHTTPClient, HTTPRequest

    return (await AsyncHTTPClient().fetch(HTTPRequest(f"{target.url}/{target.marker}", method="DELETE"))).code


@way("simple-client")
async def simple_client(target: Any) -> Any:
    from tornado.simple_httpclient import SimpleAsyncHTTPClient

    return (await SimpleAsyncHTTPClient(force_instance=True).fetch(f"{target.url}/{target.marker}")).code


@way("sync-client")
def sync_client(target: Any) -> Any:
    from tornado.httpclient import HTTPClient

    client = HTTPClient()
    try:
        return client.fetch(f"{target.url}/{target.marker}", method="POST", body="x").code
    finally:
        client.close()


@way("redirect", redirects=True, decisions=2)
async def redirect(target: Any) -> Any:
    from tornado.httpclient import AsyncHTTPClient

    return (await AsyncHTTPClient().fetch(f"{target.url}/hop/{target.marker}", method="POST", body="x")).code
