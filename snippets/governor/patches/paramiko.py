"""paramiko: `Channel.exec_command` and `invoke_shell` start work on the other side; `SFTPClient._request` opens and changes files.

A channel or a port that leads on to another host is asked about. Connecting starts nothing and is not asked. Reading and writing an open file belongs to the decision that opened it.
Fabric ends here.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "paramiko"
MODULES = ("paramiko.channel", "paramiko.sftp_client", "paramiko.client", "paramiko.transport")
FAMILY = "process"
NOT_INTERCEPTED = (
    "paramiko.SSHClient.connect",
    "paramiko.Channel.send",
    "paramiko.Channel.sendall",
    "paramiko.Transport.connect",
    "paramiko.Transport.open_session",
)

# Numbers of the SFTP protocol.
_OPEN, _SETSTAT, _FSETSTAT, _OPENDIR, _REMOVE, _MKDIR, _RMDIR, _RENAME, _SYMLINK, _EXTENDED = 3, 9, 10, 11, 13, 14, 15, 18, 20, 200
_CHANGES = {
    _SETSTAT: ("setstat", "write"), _FSETSTAT: ("fsetstat", "write"), _OPENDIR: ("listdir", "read"), _REMOVE: ("remove", "delete"), _MKDIR: ("mkdir", "write"),
    _RMDIR: ("rmdir", "delete"), _RENAME: ("rename", "write"), _SYMLINK: ("symlink", "write"), _EXTENDED: ("extended", "write"),
}  # fmt: skip
_WRITING = 0x02 | 0x04 | 0x08 | 0x10


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "paramiko.channel":
        for name in ("exec_command", "invoke_shell", "invoke_subsystem"):
            patcher.wrap(module.Channel, name, _start)
    elif module.__name__ == "paramiko.client":
        patcher.connects(module.SSHClient, "connect")
    elif module.__name__ == "paramiko.transport":
        patcher.connects(module.Transport, "__init__")
        patcher.wrap(module.Transport, "open_channel", _tunnel)
        patcher.wrap(module.Transport, "request_port_forward", _forward)
    else:
        patcher.wrap(module.SFTPClient, "_request", _request)


def _host(channel: Any) -> tuple[str, str]:
    transport = getattr(channel, "transport", None)
    try:
        host, port = transport.getpeername()[:2]  # type: ignore[union-attr]
    except (AttributeError, OSError, ValueError):
        host, port = "", 22
    name = str(getattr(transport, "hostname", "") or host)
    return name, f"ssh://{name}:{port}"


def _start(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    method = wrapped.__name__
    command = args[0] if args and method != "invoke_shell" else kwargs.get("command", kwargs.get("subsystem", ""))
    command = command.decode("utf-8", "replace") if isinstance(command, bytes) else str(command)
    if method == "invoke_subsystem" and command == "sftp":
        # Opening file transfer does nothing yet.
        return wrapped(*args, **kwargs)
    host, destination = _host(instance)
    arguments = command if method != "invoke_shell" else object()
    with governed_call(Call(f"paramiko.Channel.{method}", "process", "execute", ("remote_host", host), destination, method, arguments)):
        return wrapped(*args, **kwargs)


def _tunnel(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """A connection that the other side opens to a third."""
    kind = str(args[0] if args else kwargs.get("kind", ""))
    address = args[1] if len(args) > 1 else kwargs.get("dest_addr")
    if not address:
        return wrapped(*args, **kwargs)
    host, port = (str(address[0]), address[1]) if isinstance(address, (list, tuple)) else (str(address), "")
    destination = f"tcp://{host}:{port}" if port else f"unix://{host}"
    with governed_call(Call("paramiko.Transport.open_channel", "process", "send", ("remote_host", host), destination, kind, object())):
        return wrapped(*args, **kwargs)


def _forward(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """A port of the other side that leads here."""
    address, port = (args + ("", 0))[:2]
    address, port = kwargs.get("address", address), kwargs.get("port", port)
    host = str(getattr(instance, "hostname", "") or "")
    call = Call("paramiko.Transport.request_port_forward", "process", "write", ("remote_host", host), f"ssh://{host}", "forward", (str(address), port))
    with governed_call(call):
        return wrapped(*args, **kwargs)


def _request(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    number, path = args[0], args[1] if len(args) > 1 else ""
    if number == _OPEN:
        writing = len(args) > 2 and isinstance(args[2], int) and args[2] & _WRITING
        name, action = ("open", "write" if writing else "read")
    elif number in _CHANGES:
        name, action = _CHANGES[number]
    else:
        return wrapped(*args, **kwargs)
    host, destination = _host(instance.sock)
    path = path.decode("utf-8", "replace") if isinstance(path, bytes) else str(path)
    # An upload's content comes after its opening: it is asked each time.
    arguments = (number, path, [str(one) for one in args[2:]], object() if action == "write" else None)
    call = Call(
        f"paramiko.SFTPClient.{name}", "process", action, ("remote_file", f"{host}:{path}"), f"{destination}/{path.lstrip('/')}", name, arguments
    )
    with governed_call(call):
        return wrapped(*args, **kwargs)
