"""langchain: `BaseTool.run` and `arun`, where `invoke`, `batch`, agents and LangGraph's tool nodes end.

What the tool does inside is asked for on its own. Chat models are asked for at their SDK or HTTP client.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "langchain"
MODULES = ("langchain_core.tools.base",)
FAMILY = "llm"
NOT_INTERCEPTED = (
    "langchain_core.runnables.Runnable.invoke",
    "langchain_core.runnables.Runnable.ainvoke",
    "langchain_core.runnables.Runnable.stream",
    "langchain_core.runnables.Runnable.batch",
    "langchain_core.vectorstores.VectorStore.add_documents",
    "langchain_core.vectorstores.VectorStore.add_texts",
    "langchain_core.vectorstores.VectorStore.from_documents",
    "langchain_core.vectorstores.VectorStore.from_texts",
    "langchain_core.vectorstores.VectorStore.delete",
    "langchain_core.vectorstores.VectorStore.similarity_search",
    "langchain_core.vectorstores.VectorStore.similarity_search_with_score",
    "langchain_core.vectorstores.VectorStore.max_marginal_relevance_search",
    "langchain_core.retrievers.BaseRetriever.invoke",
    "langchain_core.retrievers.BaseRetriever.ainvoke",
    "langchain.agents.create_agent",
)


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.BaseTool, "run", _run)
    patcher.wrap(module.BaseTool, "arun", _run_async)


def _call_of(tool: Any, args: Any, kwargs: Any) -> Call:
    name = str(getattr(tool, "name", ""))
    given = args[0] if args else kwargs.get("tool_input")
    return Call("langchain_core.tools.BaseTool.run", "llm", "execute", ("tool", name), f"tool:///{name}", "run", given)


def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with governed_call(_call_of(instance, args, kwargs)):
        return wrapped(*args, **kwargs)


async def _run_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with governed_call(_call_of(instance, args, kwargs)):
        return await wrapped(*args, **kwargs)
