"""os: system, spawn*, posix_spawn, fork and exec, pty, and C functions captured by name."""

from __future__ import annotations

from typing import Any, Dict, List

from ..way import way

SERVER = "files"
GEVENT = True
WITHOUT = ()
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    global system
    from os import posix_spawn, system

    _bound.update(system=system, posix_spawn=posix_spawn)


def _argv(target: Any) -> List[str]:
    return ["/bin/sh", "-c", f"printf x >> {target.path}"]


@way("system", carriers=("thread", "pool", "executor", "to_thread", "task"), faults=True)
def os_system(target: Any) -> Any:
    import os

    return os.system(f"printf x >> {target.path}")


@way("posix_spawn", carriers=("thread",))
def posix_spawn(target: Any) -> Any:
    import os

    return os.waitpid(os.posix_spawn("/bin/sh", _argv(target), os.environ), 0)[1]


@way("posix_spawnp")
def posix_spawnp(target: Any) -> Any:
    import os

    return os.waitpid(os.posix_spawnp("sh", _argv(target), os.environ), 0)[1]


@way("spawnv", decisions=None, carriers=("thread",))
def spawnv(target: Any) -> Any:
    import os

    return os.spawnv(os.P_WAIT, "/bin/sh", _argv(target))


@way("spawnlp", decisions=None)
def spawnlp(target: Any) -> Any:
    import os

    return os.spawnlp(os.P_WAIT, "sh", *_argv(target))


@way("fork-exec", decisions=None, swallowed=True, carriers=("thread",))
def fork_exec(target: Any) -> Any:
    import os

    child = os.fork()
    if child == 0:
        try:
            os.execv("/bin/sh", _argv(target))
        finally:
            os._exit(77)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@way("pty.spawn", decisions=None, carriers=("thread",))
def pty_spawn(target: Any) -> Any:
    import pty

    return pty.spawn(_argv(target), lambda fd: b"", lambda fd: b"")


@way("captured-global-system")
def captured_global(target: Any) -> Any:
    return system(f"printf x >> {target.path}")  # type: ignore[name-defined]  # noqa: F821
