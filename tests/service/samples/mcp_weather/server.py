"""The weather, as a tool of an MCP server."""

import os

import httpx
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("weather")


@mcp.tool()
async def forecast(city: str) -> str:
    """Tomorrow's weather in a city."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(os.environ["OUTSIDE"] + "/forecast", params={"city": city})
    return answer.text


@mcp.tool()
def cities() -> list[str]:
    """The cities with a forecast."""
    return ["Oslo", "Wien"]


if __name__ == "__main__":
    mcp.run()
