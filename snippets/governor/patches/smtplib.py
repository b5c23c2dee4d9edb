"""smtplib: `SMTP.sendmail` is below `send_message`, Django's mail and most wrappers; `data` and `send` see a DATA without it.

Connecting and logging in send no mail and are not asked about.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import connecting, governed_call, is_passing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "smtplib"
MODULES = ("smtplib",)
FAMILY = "email"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.SMTP, "sendmail", _send)
    patcher.wrap(module.SMTP, "data", _data)
    patcher.wrap(module.SMTP, "send", _bytes)
    patcher.wrap(module.SMTP, "connect", _connect, optional=True)


def _connect(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    # The instance keeps only the host that it was made with.
    instance.__dict__["_governor_host"] = args[0] if args else kwargs.get("host", "localhost")
    with connecting():
        return wrapped(*args, **kwargs)


def _send(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    sender = args[0] if args else kwargs.get("from_addr")
    recipients = args[1] if len(args) > 1 else kwargs.get("to_addrs")
    message = args[2] if len(args) > 2 else kwargs.get("msg")
    with governed_call(_call_of("smtplib.SMTP.sendmail", instance, (sender, recipients, message))):
        return wrapped(*args, **kwargs)


def _data(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    # Its recipients were told in earlier commands: never the same question twice.
    with governed_call(_call_of("smtplib.SMTP.data", instance, (args, object()))):
        return wrapped(*args, **kwargs)


def _bytes(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    sent = args[0] if args else kwargs.get("s", b"")
    lines = (sent.encode("utf-8", "replace") if isinstance(sent, str) else bytes(sent)).lower().splitlines() if not is_passing() else ()
    if not any(line.strip().startswith((b"data", b"bdat", b"send", b"soml", b"saml")) for line in lines):
        return wrapped(*args, **kwargs)
    # The message follows in later writes: never the same question twice.
    with governed_call(_call_of("smtplib.SMTP.send", instance, object())):
        return wrapped(*args, **kwargs)


def _call_of(qualified_name: str, connection: Any, message: Any) -> Call:
    host = str(connection.__dict__.get("_governor_host") or getattr(connection, "_host", "") or "")
    try:
        peer = connection.sock.getpeername()
        host, port = host.partition(":")[0] or str(peer[0]), peer[1]
    except (AttributeError, OSError, IndexError, TypeError):
        port = getattr(connection, "default_port", 25)
    return Call(qualified_name, "email", "send", ("email", host), f"smtp://{host}:{port}", "DATA", message)
