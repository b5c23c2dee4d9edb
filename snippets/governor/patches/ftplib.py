"""ftplib: `FTP.putline` sends every command, below uploads, downloads and `sendcmd`, over plain and TLS connections.

What opens a session or a data connection is not asked; an upload's content comes later, so it is asked each time.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "ftplib"
MODULES = ("ftplib",)
FAMILY = "network"
NOT_INTERCEPTED = ("ftplib.FTP.connect",)

_HOUSEKEEPING = frozenset(
    "USER PASS ACCT TYPE MODE STRU PASV EPSV PORT EPRT QUIT NOOP PWD CWD CDUP SYST FEAT AUTH PBSZ PROT ABOR REST RNFR OPTS".split()
)
_READS = frozenset("RETR LIST NLST MLSD MLST SIZE MDTM STAT HELP".split())
_DELETES = frozenset(("DELE", "RMD"))
_UPLOADS = frozenset(("STOR", "STOU", "APPE"))


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.connects(module.FTP, "connect", "ntransfercmd")
    patcher.wrap(module.FTP, "putline", _put)


def _put(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    line = str(args[0] if args else kwargs.get("line", ""))
    verb, _, path = line.partition(" ")
    verb = verb.upper()
    if verb in _HOUSEKEEPING:
        return wrapped(*args, **kwargs)
    action = "read" if verb in _READS else "delete" if verb in _DELETES else "write"
    host, port = str(getattr(instance, "host", "")), getattr(instance, "port", 21)
    arguments = (line, object()) if verb in _UPLOADS else line
    call = Call("ftplib.FTP.putline", "network", action, ("remote_host", host), f"ftp://{host}:{port}/{path.lstrip('/')}", verb, arguments)
    with governed_call(call):
        return wrapped(*args, **kwargs)
