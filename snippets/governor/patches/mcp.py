"""mcp: `ClientSession.call_tool` and `read_resource`, where clients, agents and adapters of every kind end.

`send_request` below them is taken for `tools/call` that somebody builds by hand. The transport writes in a task of its own,
so an HTTP transport's request is a second question.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "mcp"
MODULES = ("mcp.client.session", "mcp.shared.session")
FAMILY = "mcp"
NOT_INTERCEPTED = (
    "mcp.ClientSession.list_tools",
    "mcp.ClientSession.list_resources",
    "mcp.ClientSession.list_prompts",
    "mcp.ClientSession.get_prompt",
)


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "mcp.client.session":
        patcher.wrap(module.ClientSession, "call_tool", _call_tool)
        patcher.wrap(module.ClientSession, "read_resource", _read_resource)
        if "send_request" in vars(module.ClientSession):
            patcher.wrap(module.ClientSession, "send_request", _send_request)
    elif hasattr(module, "BaseSession"):
        patcher.wrap(module.BaseSession, "send_request", _send_request)


def _tool_call(session: Any, name: Any, arguments: Any) -> Call:
    server = _server_name(session)
    return Call("mcp.ClientSession.call_tool", "mcp", "execute", ("mcp_tool", str(name)), f"mcp://{server}/{name}", "tools/call", (name, arguments))


def _server_name(session: Any) -> str:
    for holder in (getattr(session, "initialize_result", None), getattr(session, "_initialize_result", None), session):
        info = getattr(holder, "server_info", None) or getattr(holder, "serverInfo", None)
        if info is not None:
            return str(getattr(info, "name", "") or "server")
    return "server"


async def _call_tool(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    name = args[0] if args else kwargs.get("name", "")
    arguments = args[1] if len(args) > 1 else kwargs.get("arguments")
    async with governed_call(_tool_call(instance, name, arguments)):
        return await wrapped(*args, **kwargs)


async def _read_resource(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    uri = str(args[0] if args else kwargs.get("uri", ""))
    destination = f"mcp://{_server_name(instance)}/{uri}"
    async with governed_call(Call("mcp.ClientSession.read_resource", "mcp", "read", ("mcp_resource", uri), destination, "resources/read", uri)):
        return await wrapped(*args, **kwargs)


async def _send_request(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    request = args[0] if args else kwargs.get("request")
    request = getattr(request, "root", request)
    parameters = getattr(request, "params", None)
    if getattr(request, "method", "") != "tools/call":
        return await wrapped(*args, **kwargs)
    async with governed_call(_tool_call(instance, getattr(parameters, "name", ""), getattr(parameters, "arguments", None))):
        return await wrapped(*args, **kwargs)
