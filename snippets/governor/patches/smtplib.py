"""smtplib: `SMTP.sendmail` is below `send_message`, Django's mail and most wrappers; `putcmd` sees a bare DATA.

Connecting and logging in send no mail and are not asked about.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

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
    patcher.wrap(module.SMTP, "putcmd", _command)


def _send(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    sender = args[0] if args else kwargs.get("from_addr")
    recipients = args[1] if len(args) > 1 else kwargs.get("to_addrs")
    message = args[2] if len(args) > 2 else kwargs.get("msg")
    with governed_call(_call_of("smtplib.SMTP.sendmail", instance, (sender, recipients, message))):
        return wrapped(*args, **kwargs)


def _command(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    command = str(args[0] if args else kwargs.get("cmd", "")).strip().lower()
    if not command.startswith(("data", "bdat", "send", "soml", "saml")):
        return wrapped(*args, **kwargs)
    # The message follows in later writes: never the same question twice.
    with governed_call(_call_of("smtplib.SMTP.putcmd", instance, object())):
        return wrapped(*args, **kwargs)


def _call_of(qualified_name: str, connection: Any, message: Any) -> Call:
    host = str(getattr(connection, "_host", "") or "localhost")
    try:
        port = connection.sock.getpeername()[1]
    except (AttributeError, OSError, IndexError, TypeError):
        port = getattr(connection, "default_port", 25)
    return Call(qualified_name, "email", "send", ("email", host), f"smtp://{host}:{port}", "DATA", message)
