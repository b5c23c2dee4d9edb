"""google-genai: content, streamed and not, sync and async."""

from __future__ import annotations

from typing import Any, List

from ..way import way
from ._llm import Server as Server

REQUIRES = ("google.genai",)


_kept: List[Any] = []


def _client(target: Any) -> Any:
    from google import genai

    client = genai.Client(api_key="k", http_options={"base_url": target.url})
    _kept.append(client)
    return client


@way("generate_content", carriers=("thread", "pool", "to_thread", "fork"), faults=True)
def generate(target: Any) -> Any:
    return _client(target).models.generate_content(model="m", contents=target.marker).text


@way("generate_content_stream")
def generate_stream(target: Any) -> Any:
    return [part.text for part in _client(target).models.generate_content_stream(model="m", contents=target.marker)]


@way("chat.send_message")
def chat(target: Any) -> Any:
    return _client(target).chats.create(model="m").send_message(target.marker).text


@way("async-generate_content", faults=True)
async def async_generate(target: Any) -> Any:
    return (await _client(target).aio.models.generate_content(model="m", contents=target.marker)).text


@way("async-generate_content_stream")
async def async_generate_stream(target: Any) -> Any:
    stream = await _client(target).aio.models.generate_content_stream(model="m", contents=target.marker)
    return [part.text async for part in stream]
