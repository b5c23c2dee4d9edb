"""anthropic: messages, streams, counting, sync and async."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way
from ._llm import Server as Server

GEVENT = True
REQUIRES = ("anthropic",)
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    _bound["client"] = _client(target)


def _client(target: Any) -> Any:
    import anthropic

    return anthropic.Anthropic(api_key="k", base_url=target.url)


def _message(target: Any) -> Dict[str, Any]:
    return {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": target.marker}]}


@way("messages.create", carriers=True, faults=True)
def create(target: Any) -> Any:
    return _client(target).messages.create(**_message(target)).content[0].text


@way("messages.create-streamed")
def create_streamed(target: Any) -> Any:
    return [event.type for event in _client(target).messages.create(stream=True, **_message(target))]


@way("messages.stream")
def stream(target: Any) -> Any:
    with _client(target).messages.stream(**_message(target)) as events:
        return [event.type for event in events]


@way("with_raw_response")
def raw_response(target: Any) -> Any:
    return _client(target).messages.with_raw_response.create(**_message(target)).status_code


@way("beta.messages.create")
def beta(target: Any) -> Any:
    return _client(target).beta.messages.create(**_message(target)).id


@way("bound-client")
def bound_client(target: Any) -> Any:
    return _bound["client"].messages.create(**_message(target)).id


@way("async-messages.create", carriers=True, faults=True)
async def async_create(target: Any) -> Any:
    import anthropic

    async with anthropic.AsyncAnthropic(api_key="k", base_url=target.url) as client:
        return (await client.messages.create(**_message(target))).content[0].text


@way("async-messages.stream")
async def async_stream(target: Any) -> Any:
    import anthropic

    async with anthropic.AsyncAnthropic(api_key="k", base_url=target.url) as client:
        async with client.messages.stream(**_message(target)) as events:
            return [event.type async for event in events]
