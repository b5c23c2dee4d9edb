"""gevent: a greenlet runs in the scope that held where it was spawned; gevent itself gives it an empty context.

`Greenlet` is a C type, so the functions `gevent.spawn*` and the pools' `spawn` are taken. Monkey-patched threads come
through `threading`.
"""

from __future__ import annotations

from types import FunctionType

from governor._scope import carry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "gevent"
MODULES = ("gevent", "gevent.pool")
FAMILY = "scope"


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "gevent.pool":
        if isinstance(vars(module.Group).get("spawn"), FunctionType):
            patcher.wrap(module.Group, "spawn", _spawn)
        return
    patcher.wrap(module, "spawn", _spawn)
    patcher.wrap(module, "spawn_raw", _spawn)
    patcher.wrap(module, "spawn_later", _spawn_later)


def _spawn(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    if args and callable(args[0]) and not isinstance(args[0], type):
        return wrapped(carry(args[0]), *args[1:], **kwargs)
    return wrapped(*args, **kwargs)


def _spawn_later(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    if len(args) > 1 and callable(args[1]):
        return wrapped(args[0], carry(args[1]), *args[2:], **kwargs)
    return wrapped(*args, **kwargs)
