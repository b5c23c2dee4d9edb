"""grpcio: the callables that a channel makes for its methods are Python classes, and no audit event or socket is below them.

So calls on channels made before `enable()` are asked too, from generated stubs and through interceptors alike. Under asyncio
the question is the call's last interceptor, so that the loop is not blocked. A stream's later messages belong
to the decision at its start.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "grpcio"
MODULES = ("grpc._channel", "grpc.aio._channel")
FAMILY = "http"

_SHAPES = ("UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream")
_READS = ("get", "list", "read", "query", "search", "watch", "batchget", "count", "describe", "lookup", "check", "stream_pull", "pull")
_DELETES = ("delete", "remove", "drop", "purge", "destroy")


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "grpc._channel":
        for shape in (*_SHAPES, "SingleThreadedUnaryStream"):
            callable_class = vars(module).get(f"_{shape}MultiCallable")
            if callable_class is not None:
                for name in ("__call__", "with_call", "future"):
                    if name in vars(callable_class):
                        patcher.wrap(callable_class, name, _start)
        return
    for shape in _SHAPES:
        callable_class = vars(module).get(f"{shape}MultiCallable")
        if callable_class is not None:
            patcher.wrap(callable_class, "__call__", _start_async, asynchronous=False)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _call_of(target: str, method: str, request: Any, serializer: Any) -> Call:
    name = method.rpartition("/")[2].lower()
    action = "read" if name.startswith(_READS) else "delete" if name.startswith(_DELETES) else "write"
    if not isinstance(request, (bytes, str)) and serializer is not None and not hasattr(request, "__next__"):
        request = serializer(request)
    service = method.strip("/").partition("/")[0]
    return Call(f"grpc.{method.strip('/')}", "http", action, ("rpc", service), f"grpc://{target}{method}", method, request)


def _start(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    request = args[0] if args else kwargs.get("request", kwargs.get("request_iterator"))
    serializer = (
        getattr(instance, "_request_serializer", None)
        if "Unary" in type(instance).__name__[:7] or "SingleThreaded" in type(instance).__name__
        else None
    )
    target = _text(getattr(instance, "_target", ""))
    with governed_call(_call_of(target, _text(instance._method), request, serializer)):
        return wrapped(*args, **kwargs)


def _start_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    present = instance._interceptors or []
    if not any(isinstance(interceptor, _Question) for interceptor in present):
        instance._interceptors = [*present, _Question(instance)]
    return wrapped(*args, **kwargs)


class _Question:
    """The last interceptor of an asyncio call, which sees what the others made of it; it knows each of the four shapes."""

    def __init__(self, multi_callable: Any) -> None:
        channel = getattr(multi_callable, "_channel", None)
        target = getattr(channel, "target", None)
        self._target = _text(target() if callable(target) else target)
        self._serializer = getattr(multi_callable, "_request_serializer", None)

    async def _ask(self, continuation: Any, details: Any, request: Any, serializer: Any) -> Any:
        async with governed_call(_call_of(self._target, _text(details.method), request, serializer)):
            return await continuation(details, request)

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return await self._ask(continuation, details, request, self._serializer)

    async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return await self._ask(continuation, details, request, self._serializer)

    async def intercept_stream_unary(self, continuation: Any, details: Any, request_iterator: Any) -> Any:
        return await self._ask(continuation, details, request_iterator, None)

    async def intercept_stream_stream(self, continuation: Any, details: Any, request_iterator: Any) -> Any:
        return await self._ask(continuation, details, request_iterator, None)
