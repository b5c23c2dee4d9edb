"""Behind all patches: a PEP 578 audit hook, which sees what reaches the operating system however it was called.

For some effects the event tells enough to ask the gate there and then: a process, a database file, a file of the opt-in
family. That is how names captured before `enable()` (`from os import system`) and `io.FileIO` are governed.
For the rest the hook is a witness: `GOVERNOR_BACKSTOP=log` records what comes without a decision, with file and line,
once for each place; `enforce` stops it. It does not see: sockets of C libraries (libpq, libmysqlclient, librdkafka, grpc,
libcurl), writes to an open file or a connected socket, statements of a database, what a child process does after exec, subinterpreters.
The hook cannot be removed: after `disable()` it does nothing.
"""

from __future__ import annotations

import os
import sys

from governor import _gate
from governor._authority import is_connecting
from governor._call import Call
from governor._errors import PolicyDenied
from governor._host_list import host_listed
from governor._imports import stay_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["stand_by"]

_PROCESS = {"subprocess.Popen": 1, "os.system": 0, "os.exec": 1, "os.posix_spawn": 1, "os.spawn": 2, "pty.spawn": 0}
_FILES = {
    "open": "write", "os.remove": "delete", "os.rmdir": "delete", "os.rename": "write", "os.mkdir": "write", "os.truncate": "write",
    "os.link": "write", "os.symlink": "write", "os.chmod": "write", "os.chown": "write", "os.utime": "write",
}  # fmt: skip
# Where an event's paths stand among its arguments, each with the directory that it is relative to; the first is the path by default.
_PATHS = {
    "open": ((0, None),), "os.truncate": ((0, None),), "os.remove": ((0, 1),), "os.rmdir": ((0, 1),), "os.mkdir": ((0, 2),), "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),), "os.utime": ((0, 3),), "os.symlink": ((1, 2),), "os.link": ((1, 3),), "os.rename": ((1, 3), (0, 2)),
}  # fmt: skip
_FOLLOWED = ("open", "os.truncate", "os.chmod", "os.chown", "os.utime")
_WITNESSED = {
    "socket.connect": ("network", "send"),
    "socket.sendto": ("network", "send"),
    "socket.sendmsg": ("network", "send"),
    "os.forkpty": ("process", "execute"),
    "ctypes.dlopen": ("process", "execute"),
    "cpython.PyInterpreterState_New": ("process", "execute"),
    "sqlite3.load_extension": ("database", "execute"),
}
_WATCHED = frozenset({*_PROCESS, *_FILES, *_WITNESSED, "sqlite3.connect", "sqlite3.connect/handle"})
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CACHES = ("/__pycache__/", "/.pytest_cache/", "/.coverage", "/.mypy_cache/")

_standing = False
_seen: set[tuple[str, str, int]] = set()
_SEEN_LIMIT = 10_000


def stand_by() -> None:
    """Install the hook, once a process."""
    global _standing
    if not _standing:
        _standing = True
        sys.addaudithook(_hook)


def _hook(event: str, args: tuple[Any, ...], watched: frozenset[str] = _WATCHED, is_finalizing: Any = sys.is_finalizing) -> None:
    # The names of this module are gone as the interpreter ends: what is looked at first is kept in the defaults.
    if event not in watched:
        if event == "import" and not is_finalizing():
            stay_first()
        return
    if is_finalizing():
        return
    gate = _gate._gate
    if gate is None or not gate.enabled:
        return
    families = gate.settings.families
    if event in _FILES:
        if "filesystem" in families:
            _file(gate, event, args)
    elif event in _PROCESS:
        if "process" in families:
            _process(event, args)
    elif event == "sqlite3.connect":
        if "database" in families:
            _database(args)
    elif event == "sqlite3.connect/handle":
        if "database" in families:
            _connection(args)
    elif gate.settings.backstop != "off" and not _gate.is_passing():
        _witness(gate, event, args)


# Asked there and then


def _file(gate: _gate.Gate, event: str, args: tuple[Any, ...]) -> None:
    if event == "open" and not _opens_for_writing(args):
        return
    for number, (index, directory) in enumerate(_PATHS[event]):
        path = args[index] if len(args) > index else None
        if isinstance(path, int) or path is None:
            continue
        named = _named(os.fsdecode(path), args[directory] if directory is not None and len(args) > directory else -1)
        real = os.path.realpath(named) if event in _FOLLOWED else os.path.join(os.path.realpath(os.path.dirname(named)), os.path.basename(named))
        full = next((one for one in (named, real) if _is_governed_file(one, gate.settings.files)), "")
        if not full:
            continue
        method = event if event != "open" else str(args[1] if len(args) > 1 and args[1] else "flags")
        # What is renamed away is gone from where it was.
        action = "delete" if number else _FILES[event]
        _ask(Call(event, "filesystem", action, ("file", full), full, method, [os.fsdecode(arg) for arg in args if isinstance(arg, (str, bytes))]))
        return


def _named(path: str, directory: Any) -> str:
    """The absolute path of one that may be relative to an open directory."""
    if isinstance(directory, int) and directory >= 0 and not os.path.isabs(path):
        for descriptors in ("/proc/self/fd", "/dev/fd"):
            try:
                return os.path.join(os.readlink(f"{descriptors}/{directory}"), path)
            except OSError:
                continue
    return os.path.abspath(path)


def _opens_for_writing(args: tuple[Any, ...]) -> bool:
    mode, flags = (args[1], args[2]) if len(args) > 2 else (None, 0)
    if isinstance(mode, str):
        return any(mark in mode for mark in "wax+")
    return isinstance(flags, int) and bool(flags & _WRITE_FLAGS)


def _is_governed_file(path: str, patterns: tuple[str, ...]) -> bool:
    if patterns:
        from fnmatch import fnmatchcase

        return any(fnmatchcase(path, pattern if pattern.startswith(("*", "/")) else os.path.abspath(pattern)) for pattern in patterns)
    return not (path.startswith(("/dev/", "/proc/")) or path.endswith((".pyc", ".pyo")) or any(mark in path for mark in _CACHES) or _is_temporary(path))


def _is_temporary(path: str) -> bool:
    """A file that `tempfile` named; asking `gettempdir` here would write a probe file inside the hook."""
    tempfile = sys.modules.get("tempfile")
    directory = getattr(tempfile, "tempdir", None)
    return directory is not None and path.startswith(os.path.join(os.path.abspath(os.fsdecode(directory)), "tmp"))


def _process(event: str, args: tuple[Any, ...]) -> None:
    from governor._process import is_housekeeping, process_call

    index = _PROCESS[event]
    command = args[index] if len(args) > index else ()
    if event in ("os.system", "pty.spawn"):
        call = process_call(event, command, shell=event == "os.system")
    else:
        call = process_call(event, command or (args[0],), executable=args[index - 1])
    if not is_housekeeping():
        _ask(call)


def _database(args: tuple[Any, ...]) -> None:
    database = args[0] if args else ""
    name = os.fsdecode(database) if isinstance(database, (str, bytes)) or hasattr(database, "__fspath__") else str(database)
    if name in ("", ":memory:") or is_connecting():
        return
    full = name if name.startswith("file:") else os.path.abspath(name)
    _ask(Call("sqlite3.connect", "database", "write", ("database", os.path.basename(full)), "sqlite:///" + full, "connect", full))


def _connection(args: tuple[Any, ...]) -> None:
    patch = sys.modules.get("governor.patches.sqlite3")
    if patch is not None and args:
        patch.adopt_new(args[0])


def _ask(call: Call) -> None:
    with _gate.governed_call(call):
        pass


# Only witnessed


def _witness(gate: _gate.Gate, event: str, args: tuple[Any, ...]) -> None:
    category, action = _WITNESSED[event]
    if category not in gate.settings.families:
        return
    with _gate.passing("*"):
        destination = _destination(event, args)
        if destination and not _is_ignored(event, destination, gate.settings.backstop_ignore):
            _report(gate, event, Call("audit event " + event, category, action, None, destination, event))


def _destination(event: str, args: tuple[Any, ...]) -> str:
    if event.startswith("socket."):
        address = args[1] if len(args) > 1 else None
        if isinstance(address, tuple) and len(address) >= 2:
            host = str(address[0])
            return f"tcp://[{host}]:{address[1]}" if ":" in host else f"tcp://{host}:{address[1]}"
        return "unix://" + os.fsdecode(address) if isinstance(address, (str, bytes)) and address else ""
    if event == "cpython.PyInterpreterState_New":
        return "a subinterpreter, where no patch holds"
    if event == "os.forkpty":
        return "a process on a terminal"
    value = args[0] if args else ""
    return os.fsdecode(value) if isinstance(value, (str, bytes)) or hasattr(value, "__fspath__") else ""


def _is_ignored(event: str, destination: str, patterns: tuple[str, ...]) -> bool:
    if event == "ctypes.dlopen":
        # Libraries that a package loads while it is imported; what runs later by ctypes is seen by no hook anyway.
        return destination.startswith("lib") or ".so" in destination
    if event.startswith("socket.") and (destination.startswith("unix:///dev/log") or destination.endswith(":53")):
        return True
    if destination.startswith("unix://") and "/pymp-" in destination:
        # multiprocessing's own processes among themselves.
        return True
    if patterns:
        from fnmatch import fnmatchcase

        return any(fnmatchcase(destination, pattern) for pattern in patterns)
    return False


def _report(gate: _gate.Gate, event: str, call: Call) -> None:
    from governor._record import call_site, witness

    if call.host and host_listed(call, gate.settings.allow_hosts):
        return
    denied_host = bool(call.host) and host_listed(call, gate.settings.deny_hosts)
    enforce = (denied_host or gate.settings.backstop == "enforce") and gate.settings.mode == "enforce" and not gate.settings.dev_bypass
    if not enforce:
        path, line, _function = call_site()
        if (event, path, line) in _seen:
            return
        if len(_seen) < _SEEN_LIMIT:
            _seen.add((event, path, line))
    error = PolicyDenied(
        "an effect that no gate saw was stopped" if enforce else "an effect that no gate saw",
        cause="backstop_blocked", reason=f"the audit event {event} came without a decision",
    )  # fmt: skip
    witness(gate, gate.question(call), error, stopped=enforce)


def report_unseen(call: Call, message: str) -> None:
    """Something can cause effects that no patch and no event shows: an object made before `enable()`, a library in C."""
    from governor._record import witness

    gate = _gate.current_gate()
    settings = gate.settings
    if settings.backstop == "off" or call.category not in settings.families:
        return
    enforce = settings.backstop == "enforce" and settings.mode == "enforce" and not settings.dev_bypass
    error = PolicyDenied(message, cause="backstop_blocked", reason=f"{call.qualified_name} takes no patch")
    with _gate.passing("*"):
        witness(gate, gate.question(call), error, stopped=enforce)
