"""ftplib: uploads, deletions and raw commands against a small FTP server."""

from __future__ import annotations

import io
import socket
from typing import Any, Dict

from ..servers import Tally, Target, listen
from ..way import way

GEVENT = True

_bound: Dict[str, Any] = {}


class Server(Tally):
    """Counts commands that name the marker."""

    def __init__(self) -> None:
        super().__init__()
        self._port = listen(self._serve)

    def address(self) -> Target:
        return {"host": "127.0.0.1", "port": self._port}

    def _serve(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        connection.sendall(b"220 matrix\r\n")
        passive = None
        for line in reader:
            verb = line.strip().upper().split(b" ")[0]
            self.arrived(line)
            if verb in (b"PASV", b"EPSV"):
                passive = socket.create_server(("127.0.0.1", 0))
                number = passive.getsockname()[1]
                answers = {b"EPSV": f"229 go (|||{number}|)", b"PASV": f"227 go (127,0,0,1,{number >> 8},{number & 255})"}
                connection.sendall(answers[verb].encode() + b"\r\n")
            elif verb in (b"STOR", b"RETR", b"NLST") and passive is not None:
                data, _ = passive.accept()
                connection.sendall(b"150 ok\r\n")
                if verb == b"STOR":
                    while data.recv(4096):
                        pass
                else:
                    data.sendall(b"x\r\n")
                data.close()
                passive.close()
                connection.sendall(b"226 done\r\n")
            elif verb == b"QUIT":
                connection.sendall(b"221 bye\r\n")
                return
            else:
                connection.sendall(b"230 ok\r\n" if verb == b"USER" else b"250 ok\r\n" if verb != b"TYPE" else b"200 ok\r\n")


def prepare(target: Any) -> None:
    _bound["ftp"] = _connect(target)


def _connect(target: Any) -> Any:
    import ftplib

    ftp = ftplib.FTP()
    ftp.connect(target.host, target.port)
    ftp.login()
    return ftp


@way("storbinary", carriers=True, faults=True)
def storbinary(target: Any) -> Any:
    with _connect(target) as ftp:
        return ftp.storbinary(f"STOR {target.marker}", io.BytesIO(b"x"))


@way("retrbinary")
def retrbinary(target: Any) -> Any:
    with _connect(target) as ftp:
        return ftp.retrbinary(f"RETR {target.marker}", lambda data: None)


@way("delete")
def delete(target: Any) -> Any:
    with _connect(target) as ftp:
        return ftp.delete(target.marker)


@way("nlst")
def nlst(target: Any) -> Any:
    with _connect(target) as ftp:
        return ftp.nlst(target.marker)


@way("sendcmd")
def sendcmd(target: Any) -> Any:
    with _connect(target) as ftp:
        return ftp.sendcmd(f"SITE CHMOD 600 {target.marker}")


@way("bound-connection")
def bound_connection(target: Any) -> Any:
    return _bound["ftp"].delete(target.marker)
