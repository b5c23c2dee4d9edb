"""nats-py: publish, request, JetStream."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("nats",)
SERVER = "nats"


async def _client(target: Any) -> Any:
    import nats

    return await nats.connect(f"nats://{target.host}:{target.port}")


def _subject(target: Any) -> str:
    return f"governor.matrix.{target.marker}"


@way("publish", carriers=True, faults=True)
async def publish(target: Any) -> Any:
    client = await _client(target)
    try:
        await client.publish(_subject(target), b"x")
        await client.flush()
    finally:
        await client.close()


@way("publish-with-headers")
async def publish_headers(target: Any) -> Any:
    client = await _client(target)
    try:
        await client.publish(_subject(target), b"x", headers={"a": "b"})
        await client.flush()
    finally:
        await client.close()


@way("request")
async def request(target: Any) -> Any:
    client = await _client(target)
    try:
        return await client.request(_subject(target), b"x", timeout=0.2)
    finally:
        await client.close()


@way("request-old-style")
async def request_old_style(target: Any) -> Any:
    client = await _client(target)
    try:
        return await client.request(_subject(target), b"x", timeout=0.2, old_style=True)
    finally:
        await client.close()


@way("message.respond")
async def respond(target: Any) -> Any:
    client = await _client(target)
    try:
        from nats.aio.msg import Msg

        await Msg(client, subject="x", reply=_subject(target)).respond(b"x")
        await client.flush()
    finally:
        await client.close()


@way("jetstream.publish", effects=None)
async def jetstream(target: Any) -> Any:
    client = await _client(target)
    try:
        return await client.jetstream().publish(_subject(target), b"x", timeout=0.2)
    finally:
        await client.close()


@way("raises-empty-subject", effects=0)
async def raises_empty(target: Any) -> Any:
    client = await _client(target)
    try:
        await client.publish("", b"x")
    finally:
        await client.close()
