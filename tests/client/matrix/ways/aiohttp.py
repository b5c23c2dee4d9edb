"""aiohttp: sessions, the module function, redirects, streams, websockets."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("aiohttp",)


@way("session.post", carriers=True, faults=True)
async def session_post(target: Any) -> Any:
    import aiohttp

    async with aiohttp.ClientSession() as session, session.post(f"{target.url}/{target.marker}", json={"a": 1}) as response:
        return [response.status, await response.text()]


@way("session.request")
async def session_request(target: Any) -> Any:
    import aiohttp

    async with aiohttp.ClientSession(target.url) as session:
        response = await session.request("DELETE", f"/{target.marker}")
        return response.status


@way("session.get")
async def session_get(target: Any) -> Any:
    import aiohttp

    async with aiohttp.ClientSession() as session:
        return (await session.get(f"{target.url}/{target.marker}")).status


@way("request")
async def request(target: Any) -> Any:
    import aiohttp

    async with aiohttp.request("POST", f"{target.url}/{target.marker}", data=b"x") as response:
        return response.status


@way("streamed")
async def streamed(target: Any) -> Any:
    import aiohttp

    async with aiohttp.ClientSession() as session, session.post(f"{target.url}/stream/{target.marker}") as response:
        return (await response.content.readexactly(5)).decode()


@way("redirect", redirects=True, decisions=2)
async def redirect(target: Any) -> Any:
    import aiohttp

    async with aiohttp.ClientSession() as session, session.post(f"{target.url}/hop/{target.marker}") as response:
        return [response.status, len(response.history)]


@way("ws_connect")
async def ws_connect(target: Any) -> Any:
    import aiohttp

    async with aiohttp.ClientSession() as session:
        try:
            await session.ws_connect(f"{target.url}/{target.marker}")
        except aiohttp.WSServerHandshakeError as error:
            return error.status


@way("keep-alive", effects=2, decisions=2)
async def keep_alive(target: Any) -> Any:
    import aiohttp

    async with aiohttp.ClientSession() as session:
        first = await session.post(f"{target.url}/{target.marker}/1")
        await first.read()
        return (await session.post(f"{target.url}/{target.marker}/2")).status


@way("subclass")
async def subclass(target: Any) -> Any:
    import aiohttp

    class Own(aiohttp.ClientSession):
        pass

    async with Own() as session:
        return (await session.post(f"{target.url}/{target.marker}")).status


@way("raises-for-status")
async def raises_for_status(target: Any) -> Any:
    import aiohttp

    async with aiohttp.ClientSession(raise_for_status=True) as session:
        await session.post(f"{target.url}/missing/{target.marker}")
