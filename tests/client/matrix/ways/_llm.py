"""An HTTP server that answers as the model providers do, streamed or not."""

from __future__ import annotations

import json
from typing import Any, Dict

from ..servers import HttpServer

_CHAT = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}  # fmt: skip
_CHUNK = {
    "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "hi"}, "finish_reason": None}],
}  # fmt: skip
_MESSAGE = {
    "id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn", "stop_sequence": None,
    "content": [{"type": "text", "text": "hi"}], "usage": {"input_tokens": 1, "output_tokens": 1},
}  # fmt: skip
_RESPONSE = {
    "id": "r", "object": "response", "created_at": 1, "model": "m", "status": "completed", "parallel_tool_calls": False,
    "tool_choice": "auto", "tools": [],
    "output": [{"type": "message", "id": "o", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "hi", "annotations": []}]}],
}  # fmt: skip
_EMBEDDING = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
              "usage": {"prompt_tokens": 1, "total_tokens": 1}}  # fmt: skip
_GEMINI = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP"}]}


class Server(HttpServer):
    def content(self, method: str, path: str, headers: Dict[str, str], body: bytes) -> tuple[int, str, str, bytes]:
        streamed = b'"stream":true' in body.replace(b" ", b"") or "alt=sse" in path
        if path.endswith("/messages"):
            start = {"type": "message_start", "message": {**_MESSAGE, "content": []}}
            events = [("message_start", start), ("message_stop", {"type": "message_stop"})]
            return _streamed(events) if streamed else _json(_MESSAGE)
        if "enerateContent" in path:
            return _streamed([("", _GEMINI)]) if streamed else _json(_GEMINI)
        if path.endswith("/embeddings"):
            return _json(_EMBEDDING)
        if path.endswith("/responses"):
            return _json(_RESPONSE)
        if path.endswith("/chat/completions"):
            return _streamed([("", _CHUNK), ("", None)]) if streamed else _json(_CHAT)
        return _json({"id": "f", "object": "list", "data": [], "has_more": False})


def _json(document: Any) -> tuple[int, str, str, bytes]:
    return 200, "application/json", "", json.dumps(document).encode()


def _streamed(events: Any) -> tuple[int, str, str, bytes]:
    text = ""
    for name, document in events:
        text += (f"event: {name}\n" if name else "") + f"data: {json.dumps(document) if document else '[DONE]'}\n\n"
    return 200, "text/event-stream", "", text.encode()
