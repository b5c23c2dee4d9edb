"""The ways that the clients share which are generated as OpenAI's is."""

from __future__ import annotations

import importlib
from typing import Any, Dict

from ..way import way


def chat(target: Any) -> Dict[str, Any]:
    """The arguments of a chat that carries the marker."""
    return {"model": "m", "messages": [{"role": "user", "content": target.marker}]}


def declare(into: Dict[str, Any], name: str, kind: str, *, root: str = "", post: str = "/chat/completions") -> Any:
    """Declare the ways of the library `name` with the client class `kind`; gives what makes such a client.

    `root` is where its API begins on the server, `post` the path of a chat from there.
    """
    bound: Dict[str, Any] = {}
    ways = into.setdefault("_ways", [])

    def library() -> Any:
        return importlib.import_module(name)

    def make(made: Any, target: Any) -> Any:
        return made(api_key="k", base_url=target.url + root)

    def client(target: Any) -> Any:
        return make(getattr(library(), kind), target)

    def async_client(target: Any) -> Any:
        return make(getattr(library(), f"Async{kind}"), target)

    def prepare(target: Any) -> None:
        bound["client"] = client(target)
        bound["create"] = bound["client"].chat.completions.create

    into["prepare"] = prepare

    def said(answer: Any) -> Any:
        return answer.choices[0].message.content

    def mark(title: str, **options: Any) -> Any:
        return way(title, _into=ways, **options)

    @mark("chat.create", carriers=True, faults=True)
    def create(target: Any) -> Any:
        return said(client(target).chat.completions.create(**chat(target)))

    @mark("chat.create-streamed")
    def streamed(target: Any) -> Any:
        stream = client(target).chat.completions.create(stream=True, **chat(target))
        return [chunk.choices[0].delta.content for chunk in stream]

    @mark("embeddings.create")
    def embeddings(target: Any) -> Any:
        made = client(target).embeddings.create(model="m", input=target.marker, encoding_format="float")
        return made.data[0].embedding

    @mark("with_raw_response")
    def raw_response(target: Any) -> Any:
        return client(target).chat.completions.with_raw_response.create(**chat(target)).status_code

    @mark("with_options")
    def with_options(target: Any) -> Any:
        return said(client(target).with_options(max_retries=3, timeout=5).chat.completions.create(**chat(target)))

    @mark("client.post")
    def client_post(target: Any) -> Any:
        return client(target).post(post, body=chat(target), cast_to=object)["id"]

    @mark("bound-client")
    def bound_client(target: Any) -> Any:
        return said(bound["client"].chat.completions.create(**chat(target)))

    @mark("bound-method")
    def bound_method(target: Any) -> Any:
        return said(bound["create"](**chat(target)))

    @mark("subclass")
    def subclass(target: Any) -> Any:
        own = type("Own", (getattr(library(), kind),), {})
        return make(own, target).chat.completions.create(**chat(target)).id

    @mark("raises-not-found")
    def raises_not_found(target: Any) -> Any:
        made = getattr(library(), kind)
        made = made(api_key="k", base_url=f"{target.url}/missing/{target.marker}", max_retries=0)
        made.chat.completions.create(model="m", messages=[])

    @mark("async-chat.create", carriers=True, faults=True)
    async def async_create(target: Any) -> Any:
        async with async_client(target) as made:
            return said(await made.chat.completions.create(**chat(target)))

    @mark("async-chat.create-streamed")
    async def async_streamed(target: Any) -> Any:
        async with async_client(target) as made:
            return [chunk.id async for chunk in await made.chat.completions.create(stream=True, **chat(target))]

    return client
