"""subprocess: `Popen.__init__` is below run, call, check_*, os.popen and asyncio's subprocesses.

gevent has a `Popen` of its own, which forks by itself: it is decided in the parent as well.
"""

from __future__ import annotations

from governor._process import process_call, process_started

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "subprocess"
MODULES = ("subprocess", "gevent.subprocess")
FAMILY = "process"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.Popen, "__init__", _start)


def _start(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    command = args[0] if args else kwargs.get("args")
    if hasattr(command, "__next__"):
        # An iterator can be read only once, and Popen still has to.
        command = list(command)
        args, kwargs = ((command, *args[1:]), kwargs) if args else (args, {**kwargs, "args": command})
    executable = args[2] if len(args) > 2 else kwargs.get("executable")
    shell = args[8] if len(args) > 8 else kwargs.get("shell", False)
    cwd = args[9] if len(args) > 9 else kwargs.get("cwd")
    env = args[10] if len(args) > 10 else kwargs.get("env")
    try:
        with process_started(process_call("subprocess.Popen", command, executable=executable, shell=bool(shell), cwd=cwd, env=env)):
            return wrapped(*args, **kwargs)
    except BaseException:
        # `Popen.__del__` runs on what was never started.
        if not hasattr(instance, "returncode"):
            instance.returncode = None
            instance._child_created = False
        raise
