"""WSGI: each request runs in a context that says who acts, its streamed response too.

    app.wsgi_app = GovernorMiddleware(app.wsgi_app, identify=lambda environ: {"actor_id": environ.get("REMOTE_USER", "")})
"""

from __future__ import annotations

from governor._enforce import scoped_steps
from governor._errors import GovernorError
from governor._scope import IntentEvent, actor_context
from governor.integrations import refusal_response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

__all__ = ["GovernorMiddleware"]


class GovernorMiddleware:
    """`identify(environ)` gives `actor_id`, `tenant_id` and the like. With `respond=True`, a refusal that nobody handled
    becomes 403, 409 or 503 instead of a server error."""

    def __init__(
        self, app: Any, *, identify: Callable[[Any], Mapping[str, Any]] | None = None, layer: str = "api", respond: bool = False
    ) -> None:
        self.app = app
        self._identify = identify
        self._layer = layer
        self._respond = respond

    def __call__(self, environ: Any, start_response: Any) -> Any:
        fields = {"layer": self._layer, **(self._identify(environ) if self._identify else {})}
        with actor_context(**fields):
            try:
                chunks = self.app(environ, start_response)
            except GovernorError as error:
                if not self._respond:
                    raise
                status, body = refusal_response(error)
                start_response(f"{status} Refused", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
                return [body]
        if isinstance(chunks, (list, tuple)):
            return chunks
        return scoped_steps(_closing(chunks), IntentEvent(**fields))


def _closing(chunks: Any) -> Iterator[bytes]:
    try:
        yield from chunks
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
