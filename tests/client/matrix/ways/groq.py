"""groq: chat, models, streams, raw responses, sync and async, through httpx."""

from __future__ import annotations

from typing import Any

from ..way import way
from . import _chat
from ._llm import Server as Server

GEVENT = True
REQUIRES = ("groq",)
_client = _chat.declare(globals(), "groq", "Groq", post="/openai/v1/chat/completions")


@way("models.retrieve")
def models_retrieve(target: Any) -> Any:
    return _client(target).models.retrieve(target.marker).id
