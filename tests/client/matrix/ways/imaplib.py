"""imaplib: commands that change a mailbox, and those that read it, against a small IMAP server."""

from __future__ import annotations

import re
import socket
from typing import Any

from ..servers import Tally, Target, listen
from ..way import way

GEVENT = True


class Server(Tally):
    """Counts commands that name the marker."""

    def __init__(self) -> None:
        super().__init__()
        self._port = listen(self._serve)

    def address(self) -> Target:
        return {"host": "127.0.0.1", "port": self._port}

    def _serve(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        connection.sendall(b"* OK [CAPABILITY IMAP4REV1] matrix\r\n")
        for line in reader:
            tag, _, command = line.strip().partition(b" ")
            literal = re.search(rb"\{(\d+)\}$", command)
            if literal:
                connection.sendall(b"+ go\r\n")
                reader.read(int(literal.group(1)))
                reader.readline()
            self.arrived(line)
            verb = command.split(b" ")[0].upper()
            if verb == b"CAPABILITY":
                connection.sendall(b"* CAPABILITY IMAP4REV1\r\n")
            elif verb == b"SELECT":
                connection.sendall(b"* 0 EXISTS\r\n")
            elif verb == b"SEARCH":
                connection.sendall(b"* SEARCH\r\n")
            elif verb == b"LOGOUT":
                connection.sendall(b"* BYE\r\n")
            connection.sendall(tag + b" OK done\r\n")


def _connect(target: Any) -> Any:
    import imaplib

    imap = imaplib.IMAP4(target.host, target.port)
    imap.login("u", "p")
    return imap


@way("append", carriers=True, faults=True)
def append(target: Any) -> Any:
    with _connect(target) as imap:
        return imap.append(target.marker, "", None, b"Subject: x\r\n\r\nx")[0]


@way("create")
def create(target: Any) -> Any:
    with _connect(target) as imap:
        return imap.create(target.marker)[0]


@way("search", decisions=None)
def search(target: Any) -> Any:
    with _connect(target) as imap:
        imap.select("INBOX")
        return imap.search(None, "SUBJECT", target.marker)[0]


@way("uid-store", decisions=None)
def uid_store(target: Any) -> Any:
    with _connect(target) as imap:
        imap.select("INBOX")
        return imap.uid("STORE", "1", "+FLAGS", f"({target.marker})")[0]


@way("xatom")
def xatom(target: Any) -> Any:
    with _connect(target) as imap:
        return imap.xatom("XPURGE", target.marker)[0]
