"""openai-agents: function tools, made by decorator or by hand."""

from __future__ import annotations

import json
from typing import Any

from ..way import way
from ._tools import SERVER as SERVER
from ._tools import one, touch, touch_async

REQUIRES = ("agents",)


async def _invoke(tool: Any, target: Any) -> Any:
    from agents.tool_context import ToolContext

    arguments = json.dumps(one(target))
    context = ToolContext(context=None, tool_name=tool.name, tool_call_id="1", tool_arguments=arguments)
    return await tool.on_invoke_tool(context, arguments)


@way("function_tool", carriers=("task", "fork"), faults=True)
async def decorated(target: Any) -> Any:
    from agents import function_tool

    return await _invoke(function_tool(touch, failure_error_function=None), target)


@way("function_tool-async")
async def decorated_async(target: Any) -> Any:
    from agents import function_tool

    return await _invoke(function_tool(touch_async, failure_error_function=None), target)


@way("constructed")
async def constructed(target: Any) -> Any:
    from agents import FunctionTool

    async def run(context: Any, arguments: str) -> str:
        return touch(json.loads(arguments)["path"])

    tool = FunctionTool(name="own", description="own", params_json_schema={"type": "object", "properties": {}}, on_invoke_tool=run)
    return await _invoke(tool, target)
