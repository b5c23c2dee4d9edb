"""pty: `spawn` forks with a terminal and runs the program in the child; it is decided in the parent."""

from __future__ import annotations

from governor._process import process_call, process_started

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "pty"
MODULES = ("pty",)
FAMILY = "process"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module, "spawn", _spawn)


def _spawn(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    command = args[0] if args else kwargs.get("argv", ())
    with process_started(process_call("pty.spawn", command)):
        return wrapped(*args, **kwargs)
