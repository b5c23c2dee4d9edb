"""Drives the server with the official Python SDK 1.x, as most agents in the field have it. Usage: python1.py BINARY REPO"""

import asyncio
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def check(binary: str, repo: str) -> None:
    server = StdioServerParameters(command=binary, args=["serve", "--repo", repo])
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        opened = await session.initialize()
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert len(tools) == 8, tools.keys()
        for tool in tools.values():
            assert tool.annotations.readOnlyHint and tool.outputSchema, tool
        # The SDK checks structuredContent against outputSchema by itself.
        found = await session.call_tool("search_docs", {"query": "fail closed"})
        assert not found.isError and found.structuredContent["results"], found
        read_page = await session.call_tool("read_doc", {"page": "guides/celery"})
        assert not read_page.isError and read_page.structuredContent["text"], read_page
        for name in ("scan_repo", "plan_integration", "propose_patch", "verify_integration", "suggest_intent_mapping"):
            answer = await session.call_tool(name, {})
            assert not answer.isError and answer.structuredContent["root"], answer
        refused = await session.call_tool("scan_repo", {"categories": ["htp"]})
        assert refused.isError and "unknown_category" in refused.content[0].text, refused
        prompts = await session.list_prompts()
        assert len(prompts.prompts) == 3
        prompt = await session.get_prompt("diagnose_denial", {"denial": "policy_denied"})
        assert "policy_denied" in prompt.messages[0].content.text
        resources = (await session.list_resources()).resources
        assert (await session.read_resource(resources[0].uri)).contents[0].text
        print(opened.protocolVersion, "passed", len(tools), "tools")


if __name__ == "__main__":
    asyncio.run(check(*sys.argv[1:]))
