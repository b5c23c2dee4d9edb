"""asyncio: `subprocess_exec` and `subprocess_shell` of the event loop, so that the loop runs on while the plane is asked.

They end in `subprocess.Popen`, which would ask too, but block. uvloop's loop starts processes and opens connections in C, where no
audit event tells of them: the same methods of `uvloop.Loop`, a Python class over the C one, are taken as well, and a connection is
announced by the event that Python's own sockets raise, so that the backstop sees it. For other loops in C the functions
`asyncio.create_subprocess_*` are taken too.
"""

from __future__ import annotations

import sys

from governor._gate import governed_call
from governor._process import process_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "asyncio"
MODULES = ("asyncio.base_events", "asyncio.subprocess", "asyncio", "uvloop")
FAMILY = "process"


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "uvloop":
        patcher.wrap(module.Loop, "subprocess_exec", _exec, asynchronous=True)
        patcher.wrap(module.Loop, "subprocess_shell", _shell, asynchronous=True)
        patcher.wrap(module.Loop, "create_connection", _connect, asynchronous=True, optional=True)
        patcher.wrap(module.Loop, "create_unix_connection", _connect_unix, asynchronous=True, optional=True)
        patcher.wrap(module.Loop, "create_datagram_endpoint", _datagrams, asynchronous=True, optional=True)
        return
    if module.__name__ != "asyncio.base_events":
        patcher.wrap(module, "create_subprocess_exec", _create_exec)
        patcher.wrap(module, "create_subprocess_shell", _create_shell)
        return
    patcher.wrap(module.BaseEventLoop, "subprocess_exec", _exec)
    patcher.wrap(module.BaseEventLoop, "subprocess_shell", _shell)


async def _create_exec(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    command = args or (kwargs.get("program"),)
    call = process_call("asyncio.create_subprocess_exec", command, executable=kwargs.get("executable"), cwd=kwargs.get("cwd"), env=kwargs.get("env"))
    async with governed_call(call):
        return await wrapped(*args, **kwargs)


async def _create_shell(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    command = args[0] if args else kwargs.get("cmd")
    async with governed_call(process_call("asyncio.create_subprocess_shell", command, shell=True, cwd=kwargs.get("cwd"), env=kwargs.get("env"))):
        return await wrapped(*args, **kwargs)


async def _exec(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    call = process_call("asyncio.create_subprocess_exec", args[1:], executable=kwargs.get("executable"), cwd=kwargs.get("cwd"), env=kwargs.get("env"))
    async with governed_call(call):
        return await wrapped(*args, **kwargs)


async def _shell(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    command = args[1] if len(args) > 1 else kwargs.get("cmd")
    async with governed_call(process_call("asyncio.create_subprocess_shell", command, shell=True, cwd=kwargs.get("cwd"), env=kwargs.get("env"))):
        return await wrapped(*args, **kwargs)


async def _connect(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    host = args[1] if len(args) > 1 else kwargs.get("host")
    port = args[2] if len(args) > 2 else kwargs.get("port")
    if host is not None:
        sys.audit("socket.connect", None, (host, port))
    return await wrapped(*args, **kwargs)


async def _connect_unix(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    path = args[1] if len(args) > 1 else kwargs.get("path")
    if path is not None:
        sys.audit("socket.connect", None, path if isinstance(path, (str, bytes)) else str(path))
    return await wrapped(*args, **kwargs)


async def _datagrams(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    remote = args[2] if len(args) > 2 else kwargs.get("remote_addr")
    if remote is not None:
        sys.audit("socket.connect", None, tuple(remote))
    return await wrapped(*args, **kwargs)
