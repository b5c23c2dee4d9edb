"""aiosmtplib: `SMTP.sendmail` is below `send` and `send_message`; `data` and a bare DATA command are taken too.

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

LIBRARY = "aiosmtplib"
MODULES = ("aiosmtplib.smtp",)
FAMILY = "email"
NOT_INTERCEPTED = ("aiosmtplib.SMTP.connect",)


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.connects(module.SMTP, "connect")
    patcher.wrap(module.SMTP, "sendmail", _send)
    patcher.wrap(module.SMTP, "data", _data)
    patcher.wrap(module.SMTP, "execute_command", _command)


def _call_of(name: str, smtp: Any, message: Any) -> Call:
    host = str(getattr(smtp, "hostname", "") or "localhost")
    destination = f"smtp://{host}:{getattr(smtp, 'port', 25) or 25}"
    return Call(f"aiosmtplib.SMTP.{name}", "email", "send", ("email", host), destination, "DATA", message)


async def _send(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    sender = args[0] if args else kwargs.get("sender")
    recipients = args[1] if len(args) > 1 else kwargs.get("recipients")
    message = args[2] if len(args) > 2 else kwargs.get("message")
    async with governed_call(_call_of("sendmail", instance, (sender, recipients, message))):
        return await wrapped(*args, **kwargs)


async def _data(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    # Its recipients were told in earlier commands: never the same question twice.
    async with governed_call(_call_of("data", instance, (args[:1], object()))):
        return await wrapped(*args, **kwargs)


async def _command(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    lines = b" ".join(bytes(one) for one in args if isinstance(one, (bytes, bytearray))).lower().splitlines()
    if not any(line.strip().startswith((b"data", b"bdat")) for line in lines):
        return await wrapped(*args, **kwargs)
    async with governed_call(_call_of("execute_command", instance, object())):
        return await wrapped(*args, **kwargs)
