"""The ways that httpx and httpx2 share."""

from __future__ import annotations

import importlib
from typing import Any, Dict

from ..way import way


def declare(into: Dict[str, Any], name: str) -> None:
    """Declare the ways of the httpx-shaped library `name`."""
    bound: Dict[str, Any] = {}
    ways = into.setdefault("_ways", [])

    def library() -> Any:
        return importlib.import_module(name)

    def answer(response: Any) -> Any:
        return [response.status_code, response.text, len(response.history)]

    def prepare(target: Any) -> None:
        bound["client"] = library().Client()
        bound["client"].get(f"{target.url}/{target.marker}/warm")
        bound["post"] = library().post

    into["prepare"] = prepare

    def mark(title: str, **options: Any) -> Any:
        return way(title, _into=ways, **options)

    @mark("post", carriers=True, faults=True)
    def post(target: Any) -> Any:
        return answer(library().post(f"{target.url}/{target.marker}", json={"a": 1}))

    @mark("client.get")
    def client_get(target: Any) -> Any:
        with library().Client() as client:
            return answer(client.get(f"{target.url}/{target.marker}"))

    @mark("client.send-built")
    def client_send(target: Any) -> Any:
        with library().Client(base_url=target.url) as client:
            return answer(client.send(client.build_request("PUT", f"/{target.marker}", content=b"x")))

    @mark("streamed")
    def streamed(target: Any) -> Any:
        with library().stream("POST", f"{target.url}/stream/{target.marker}") as response:
            return list(response.iter_text(5))[0]

    @mark("generator-body")
    def generator_body(target: Any) -> Any:
        return answer(library().post(f"{target.url}/{target.marker}", content=iter([b"a", b"b"])))

    @mark("transport.handle_request")
    def transport(target: Any) -> Any:
        request = library().Request("POST", f"{target.url}/{target.marker}")
        with library().HTTPTransport() as made:
            return made.handle_request(request).status_code

    @mark("redirect", redirects=True, decisions=2)
    def redirect(target: Any) -> Any:
        return answer(library().post(f"{target.url}/hop/{target.marker}", follow_redirects=True))

    @mark("bound-client-keep-alive")
    def bound_client(target: Any) -> Any:
        return answer(bound["client"].post(f"{target.url}/{target.marker}"))

    @mark("bound-function")
    def bound_function(target: Any) -> Any:
        return answer(bound["post"](f"{target.url}/{target.marker}"))

    @mark("subclass")
    def subclass(target: Any) -> Any:
        class Own(library().Client):  # type: ignore[misc]
            def send(self, request: Any, **options: Any) -> Any:
                return self._send_single_request(request)

        with Own() as client:
            return client.post(f"{target.url}/{target.marker}").status_code

    @mark("raises-http-error")
    def raises_http_error(target: Any) -> Any:
        library().post(f"{target.url}/missing/{target.marker}").raise_for_status()

    @mark("async-client.post", carriers=True, faults=True)
    async def async_post(target: Any) -> Any:
        async with library().AsyncClient() as client:
            return answer(await client.post(f"{target.url}/{target.marker}", json={"a": 1}))

    @mark("async-streamed")
    async def async_streamed(target: Any) -> Any:
        async with library().AsyncClient() as client:
            async with client.stream("POST", f"{target.url}/stream/{target.marker}") as response:
                return [text async for text in response.aiter_text(5)][0]

    @mark("async-redirect", redirects=True, decisions=2)
    async def async_redirect(target: Any) -> Any:
        async with library().AsyncClient(follow_redirects=True) as client:
            return answer(await client.post(f"{target.url}/hop/{target.marker}"))

    @mark("async-transport")
    async def async_transport(target: Any) -> Any:
        request = library().Request("POST", f"{target.url}/{target.marker}")
        async with library().AsyncHTTPTransport() as made:
            return (await made.handle_async_request(request)).status_code
