"""mcp: a client session's `call_tool` against a real server of the same package, in memory."""

from __future__ import annotations

from typing import Any

from ..way import way
from ._tools import SERVER as SERVER
from ._tools import touch

REQUIRES = ("mcp",)


def _server() -> Any:
    try:
        from mcp.server.mcpserver import MCPServer
    except ImportError:
        from mcp.server.fastmcp import FastMCP as MCPServer  # type: ignore[no-redef]

    server = MCPServer("matrix")
    server.tool()(touch)
    return server


def _client(server: Any) -> Any:
    try:
        from mcp import Client

        return Client(server)
    except ImportError:
        from mcp.shared.memory import create_connected_server_and_client_session as connected

        return connected(server._mcp_server)


@way("call_tool", carriers=True, faults=True, wrapped=True)
async def call_tool(target: Any) -> Any:
    async with _client(_server()) as client:
        return (await client.call_tool("touch", {"path": target.path})).content[0].text


@way("session.call_tool", wrapped=True)
async def session_call_tool(target: Any) -> Any:
    async with _client(_server()) as client:
        session = getattr(client, "session", client)
        return (await session.call_tool("touch", {"path": target.path})).content[0].text
