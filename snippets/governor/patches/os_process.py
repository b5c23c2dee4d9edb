"""os: `system`, `posix_spawn`, `execv` and `execve`, which every other exec ends in, and `_spawnvef` below spawn*.

A spawn* is decided in the parent: a denial in the forked child would read as exit status 127. A plain `fork` starts no
other program and is not asked about; the exec after it is. `_posixsubprocess.fork_exec` is what multiprocessing uses.
"""

from __future__ import annotations

import os

from governor._process import process_call, process_started

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "os"
MODULES = ("os", "_posixsubprocess")
FAMILY = "process"


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "_posixsubprocess":
        patcher.wrap(module, "fork_exec", _fork_exec)
        return
    patcher.wrap(module, "system", _system)
    for name in ("posix_spawn", "posix_spawnp", "execv", "execve"):
        patcher.wrap(module, name, _run)
    patcher.wrap(module, "_spawnvef", _spawn)


def _system(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    command = args[0] if args else kwargs.get("command", "")
    with process_started(process_call("os.system", command, shell=True)):
        return wrapped(*args, **kwargs)


def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    path = args[0] if args else kwargs.get("path", "")
    argv = args[1] if len(args) > 1 else kwargs.get("argv", ())
    env = args[2] if len(args) > 2 else kwargs.get("env")
    with process_started(process_call("os." + wrapped.__name__, argv or (path,), executable=path, env=_dict(env))):
        return wrapped(*args, **kwargs)


def _spawn(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    # _spawnvef(mode, file, args, env, func)
    with process_started(process_call("os.spawnve", args[2] or (args[1],), executable=args[1], env=_dict(args[3]))):
        return wrapped(*args, **kwargs)


def _fork_exec(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    command = args[0] if args else ()
    executables = args[1] if len(args) > 1 else ()
    executable = os.fsdecode(executables[-1]) if executables else ""
    with process_started(process_call("_posixsubprocess.fork_exec", command or executables, executable=executable)):
        return wrapped(*args, **kwargs)


def _dict(env: Any) -> Any:
    try:
        return dict(env) if env is not None else None
    except (TypeError, ValueError):
        return None
