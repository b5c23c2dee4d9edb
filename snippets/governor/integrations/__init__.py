"""Opt-in sugar: who acts in a web request or task, and agents' tools as governed calls. Each file imports its own framework.

    governor.integrations.asgi.GovernorMiddleware       Starlette, FastAPI, Django (asgi), Litestar
    governor.integrations.wsgi.GovernorMiddleware       Flask, Django (wsgi), Pyramid
    governor.integrations.django.GovernorMiddleware     Django's own middleware chain
    governor.integrations.celery.connect                intents travel with Celery messages
    governor.integrations.langgraph.governed_tool_call  LangGraph's ToolNode and LangChain's agents
"""

from __future__ import annotations

from governor._errors import GovernorError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["refusal_response"]

_STATUSES = {"policy_denied": 403, "policy_held": 409, "policy_unavailable": 503}


def refusal_response(error: GovernorError) -> tuple[int, bytes]:
    """A refusal as an HTTP status and a JSON body that tells a client no more than it needs."""
    import json

    body: dict[str, Any] = {"type": error.kind, "request_id": error.request_id, "detail": _DETAILS.get(error.kind, "not possible now")}
    return _STATUSES.get(error.kind, 500), json.dumps(body).encode("utf-8")


_DETAILS = {"policy_denied": "a policy forbids this", "policy_held": "this waits for approval", "policy_unavailable": "no decision could be had"}
