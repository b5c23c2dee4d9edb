"""openai-agents: a function tool holds its own invoker, so the decorator's invoker is taken in its class, any other when a tool is made.

The denial leaves the tool: the SDK's own error function would hand it to the model as one more failure. Tools that were
built by hand before `enable()` are not governed; those made by `function_tool` are.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "openai-agents"
MODULES = ("agents.tool",)
FAMILY = "llm"


def install(module: ModuleType, patcher: Patcher) -> None:
    invoker = vars(module).get("_FailureHandlingFunctionToolInvoker")
    if invoker is not None:
        patcher.wrap(invoker, "__call__", _invoke, asynchronous=True)

    def finish(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        wrapped(*args, **kwargs)
        given = instance.on_invoke_tool
        if (invoker is None or not isinstance(given, invoker)) and not hasattr(given, "__governor__"):
            instance.on_invoke_tool = _governed(given, instance)

    patcher.wrap(module.FunctionTool, "__post_init__", finish)


def _call_of(name: str, arguments: Any) -> Call:
    return Call("agents.FunctionTool.on_invoke_tool", "llm", "execute", ("tool", name), f"tool:///{name}", "on_invoke_tool", arguments)


async def _invoke(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    tool = getattr(instance, "_function_tool", None)
    name = str(getattr(tool, "name", "") or getattr(args[0] if args else None, "tool_name", ""))
    async with governed_call(_call_of(name, args[1:])):
        return await wrapped(*args, **kwargs)


def _governed(given: Any, tool: Any) -> Any:
    import functools
    import types

    bound = isinstance(given, types.MethodType) and given.__self__ is tool
    function = given.__func__ if bound else given

    async def on_invoke_tool(*args: Any, **kwargs: Any) -> Any:
        async with governed_call(_call_of(str(tool.name), args[2:] if bound else args[1:])):
            return await function(*args, **kwargs)

    try:
        functools.update_wrapper(on_invoke_tool, function)
    except (AttributeError, TypeError):
        # A callable object without the attributes of a function.
        on_invoke_tool.__doc__ = getattr(function, "__doc__", None)
    on_invoke_tool.__governor__ = True  # type: ignore[attr-defined]
    # The SDK binds a tool's own method to its copy: it has to stay a method.
    return types.MethodType(on_invoke_tool, tool) if bound else on_invoke_tool
