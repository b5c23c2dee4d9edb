"""imaplib: `IMAP4._command` sends every command, over plain and TLS connections; what opens a session is not asked.

A denied `append` leaves no message behind that the next command would send.
"""

from __future__ import annotations

from governor._call import Call
from governor._errors import GovernorError
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "imaplib"
MODULES = ("imaplib",)
FAMILY = "email"
NOT_INTERCEPTED = ("imaplib.IMAP4.login", "imaplib.IMAP4.authenticate")

_HOUSEKEEPING = frozenset("CAPABILITY LOGIN AUTHENTICATE LOGOUT NOOP STARTTLS ENABLE ID IDLE UNSELECT CHECK".split())
_READS = frozenset(
    "SELECT EXAMINE FETCH PARTIAL SEARCH SORT THREAD LIST LSUB STATUS NAMESPACE GETACL GETANNOTATION GETQUOTA GETQUOTAROOT MYRIGHTS".split()
)
# Closing a mailbox that was not opened for reading only removes the messages that are marked as deleted.
_DELETES = frozenset(("DELETE", "EXPUNGE", "DELETEACL", "CLOSE"))


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.connects(module.IMAP4, "open")
    patcher.wrap(module.IMAP4, "_command", _command)


def _command(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    name = str(args[0] if args else "").upper()
    verb = str(args[1]).upper() if name == "UID" and len(args) > 1 else name
    if verb in _HOUSEKEEPING or (verb == "CLOSE" and instance.is_readonly):
        return wrapped(*args, **kwargs)
    action = "read" if verb in _READS else "delete" if verb in _DELETES else "write"
    mailbox = str(args[1]).strip('"') if verb == name and len(args) > 1 else "selected"
    destination = f"imap://{getattr(instance, 'host', '')}:{getattr(instance, 'port', 143)}/{mailbox}"
    call = Call(f"imaplib.IMAP4.{verb.lower()}", "email", action, ("mailbox", mailbox), destination, verb, (args, instance.literal))
    guard = governed_call(call)
    try:
        guard.__enter__()
    except GovernorError:
        instance.literal = None
        raise
    try:
        return wrapped(*args, **kwargs)
    finally:
        guard.__exit__()
