"""pexpect, and all else that runs a program in a terminal through ptyprocess: `PtyProcess.spawn` forks, then execs.

Decided in the parent: a denial raised in the child would run on there as a second copy of the caller.
"""

from __future__ import annotations

from governor._process import process_call, process_started

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "pexpect"
MODULES = ("ptyprocess.ptyprocess",)
FAMILY = "process"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.PtyProcess, "spawn", _spawn)


def _spawn(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    command = args[0] if args else kwargs.get("argv", ())
    with process_started(process_call("pexpect.spawn", command)):
        return wrapped(*args, **kwargs)
