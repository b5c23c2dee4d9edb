"""groq: chat, models, streams, raw responses, sync and async, through httpx."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way
from ._llm import Server as Server

GEVENT = True
REQUIRES = ("groq",)
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    _bound["client"] = _client(target)
    _bound["create"] = _bound["client"].chat.completions.create


def _client(target: Any, kind: str = "Groq") -> Any:
    import groq

    return getattr(groq, kind)(api_key="k", base_url=target.url)


def _chat(target: Any) -> Dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": target.marker}]}


@way("chat.create", carriers=True, faults=True)
def chat(target: Any) -> Any:
    return _client(target).chat.completions.create(**_chat(target)).choices[0].message.content


@way("chat.create-streamed")
def chat_streamed(target: Any) -> Any:
    return [chunk.choices[0].delta.content for chunk in _client(target).chat.completions.create(stream=True, **_chat(target))]


@way("embeddings.create")
def embeddings(target: Any) -> Any:
    return _client(target).embeddings.create(model="m", input=target.marker, encoding_format="float").data[0].embedding


@way("models.retrieve")
def models_retrieve(target: Any) -> Any:
    return _client(target).models.retrieve(target.marker).id


@way("with_raw_response")
def raw_response(target: Any) -> Any:
    return _client(target).chat.completions.with_raw_response.create(**_chat(target)).status_code


@way("with_options")
def with_options(target: Any) -> Any:
    return _client(target).with_options(max_retries=3).chat.completions.create(**_chat(target)).choices[0].message.content


@way("client.post")
def client_post(target: Any) -> Any:
    return _client(target).post("/openai/v1/chat/completions", body=_chat(target), cast_to=object)["id"]


@way("bound-client")
def bound_client(target: Any) -> Any:
    return _bound["client"].chat.completions.create(**_chat(target)).choices[0].message.content


@way("bound-method")
def bound_method(target: Any) -> Any:
    return _bound["create"](**_chat(target)).choices[0].message.content


@way("subclass")
def subclass(target: Any) -> Any:
    import groq

    class Own(groq.Groq):
        pass

    return Own(api_key="k", base_url=target.url).chat.completions.create(**_chat(target)).id


@way("raises-not-found")
def raises_not_found(target: Any) -> Any:
    import groq

    client = groq.Groq(api_key="k", base_url=f"{target.url}/missing/{target.marker}", max_retries=0)
    client.chat.completions.create(model="m", messages=[])


@way("async-chat.create", carriers=True, faults=True)
async def async_chat(target: Any) -> Any:
    async with _client(target, "AsyncGroq") as client:
        return (await client.chat.completions.create(**_chat(target))).choices[0].message.content


@way("async-chat.create-streamed")
async def async_streamed(target: Any) -> Any:
    async with _client(target, "AsyncGroq") as client:
        return [chunk.id async for chunk in await client.chat.completions.create(stream=True, **_chat(target))]
