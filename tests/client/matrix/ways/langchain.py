"""langchain-core: tools invoked in every way that an agent or a graph does."""

from __future__ import annotations

from typing import Any

from ..way import way
from ._tools import SERVER as SERVER
from ._tools import one, touch, touch_async

REQUIRES = ("langchain_core",)


def _tool() -> Any:
    from langchain_core.tools import StructuredTool

    return StructuredTool.from_function(touch, coroutine=touch_async)


@way("invoke", carriers=True, faults=True)
def invoke(target: Any) -> Any:
    return _tool().invoke(one(target))


@way("run")
def run(target: Any) -> Any:
    return _tool().run(one(target))


@way("invoke-tool-call")
def invoke_tool_call(target: Any) -> Any:
    call = {"type": "tool_call", "id": "1", "name": "touch", "args": one(target)}
    return _tool().invoke(call).content


@way("decorated")
def decorated(target: Any) -> Any:
    from langchain_core.tools import tool

    return tool(touch).invoke(one(target))


@way("subclass")
def subclass(target: Any) -> Any:
    from langchain_core.tools import BaseTool

    class Own(BaseTool):
        name: str = "own"
        description: str = "own"

        def _run(self, path: str) -> str:
            return touch(path)

    return Own().invoke(one(target))


@way("batch")
def batch(target: Any) -> Any:
    return _tool().batch([one(target)])


@way("ainvoke", faults=True)
async def ainvoke(target: Any) -> Any:
    return await _tool().ainvoke(one(target))


@way("arun")
async def arun(target: Any) -> Any:
    return await _tool().arun(one(target))


@way("ainvoke-sync-tool")
async def ainvoke_sync_tool(target: Any) -> Any:
    from langchain_core.tools import tool

    return await tool(touch).ainvoke(one(target))
