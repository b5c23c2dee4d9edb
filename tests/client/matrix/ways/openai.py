"""openai: chat, responses, embeddings, files, streams, raw responses, sync and async, through httpx2."""

from __future__ import annotations

from typing import Any

from ..way import way
from . import _chat
from ._llm import Server as Server

GEVENT = True
REQUIRES = ("openai",)
_client = _chat.declare(globals(), "openai", "OpenAI", root="/v1")


@way("responses.create")
def responses(target: Any) -> Any:
    return _client(target).responses.create(model="m", input=target.marker).output_text


@way("files.list")
def files_list(target: Any) -> Any:
    return list(_client(target).files.list(purpose=target.marker))


@way("module-client")
def module_client(target: Any) -> Any:
    import openai

    openai.api_key, openai.base_url = "k", target.url + "/v1/"
    openai._reset_client()
    return openai.chat.completions.create(**_chat.chat(target)).choices[0].message.content
