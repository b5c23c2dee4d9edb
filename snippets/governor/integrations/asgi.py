"""ASGI: each request runs in a context that says who acts.

    app.add_middleware(GovernorMiddleware, identify=lambda scope: {"actor_id": scope["user"].username})
"""

from __future__ import annotations

from governor._errors import GovernorError
from governor._scope import actor_context
from governor.integrations import refusal_response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["GovernorMiddleware"]


class GovernorMiddleware:
    """`identify(scope)` gives `actor_id`, `tenant_id` and the like. With `respond=True`, a refusal that nobody handled
    becomes 403, 409 or 503 instead of a server error."""

    def __init__(
        self, app: Any, *, identify: Callable[[Any], Mapping[str, Any]] | None = None, layer: str = "api", respond: bool = False
    ) -> None:
        self.app = app
        self._identify = identify
        self._layer = layer
        self._respond = respond

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        fields = {"layer": self._layer, **(self._identify(scope) if self._identify else {})}
        started = False

        async def watched_send(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        with actor_context(**fields):
            try:
                await self.app(scope, receive, watched_send)
            except GovernorError as error:
                if started or not self._respond or scope["type"] != "http":
                    raise
                status, body = refusal_response(error)
                headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
                await send({"type": "http.response.start", "status": status, "headers": headers})
                await send({"type": "http.response.body", "body": body})
