"""LangGraph and LangChain agents: each tool call is decided, and its effects serve the tool's intent.

    ToolNode(tools, wrap_tool_call=governed_tool_call, awrap_tool_call=agoverned_tool_call)

    class Governed(AgentMiddleware):                     # LangChain's create_agent(middleware=[Governed()])
        wrap_tool_call = staticmethod(governed_tool_call)
        awrap_tool_call = staticmethod(agoverned_tool_call)

A refusal goes back to the model as the tool's result, with what it may do instead.
"""

from __future__ import annotations

import json

from governor._enforce import aenforce, enforce
from governor._errors import GovernorError
from governor._scope import IntentEvent, intent, intent_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["agoverned_tool_call", "governed_tool_call"]


def governed_tool_call(request: Any, handler: Any) -> Any:
    event = _event(request)
    try:
        enforce(event)
        with intent(_context(event)):
            return handler(request)
    except GovernorError as error:
        return _refusal(request, error)


async def agoverned_tool_call(request: Any, handler: Any) -> Any:
    event = _event(request)
    try:
        await aenforce(event)
        with intent(_context(event)):
            return await handler(request)
    except GovernorError as error:
        return _refusal(request, error)


def _event(request: Any) -> IntentEvent:
    from governor._call import fingerprint

    call = request.tool_call
    context = {"tool": {"name": call["name"], "arguments": fingerprint(call.get("args"))}}
    return intent_from(action="execute", resource_type="tool", resource_name=call["name"], layer="agent", context=context)


def _context(event: IntentEvent) -> IntentEvent:
    """The tool's effects are decided as what they are, and tell which tool they belong to."""
    return IntentEvent(layer=event.layer, context=event.context)


def _refusal(request: Any, error: GovernorError) -> Any:
    from langchain_core.messages import ToolMessage

    call = request.tool_call
    return ToolMessage(content=json.dumps(error.to_dict()), name=call["name"], tool_call_id=call["id"], status="error")
