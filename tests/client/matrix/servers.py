"""Loopback servers that count what reached them, one object a protocol.

Each has `target(marker)`, what a way needs to aim at it, and `count(marker)`, how often an effect with
that marker arrived. The marker is in the path, the recipient or the payload, so cells do not disturb
each other, and a late arrival is seen.
"""

from __future__ import annotations

import collections
import os
import socket
import threading
from typing import Any, Callable, Counter, Dict

Target = Dict[str, Any]


class Tally:
    """Counts by marker, and knows when something arrived that should not have."""

    def __init__(self) -> None:
        self.seen: Counter[str] = collections.Counter()
        self._markers: Dict[str, bytes] = {}

    def target(self, marker: str) -> Target:
        self._markers[marker] = marker.encode()
        return {"marker": marker, **self.address()}

    def address(self) -> Target:
        raise NotImplementedError

    def count(self, marker: str) -> int:
        return self.seen[marker]

    def arrived(self, data: bytes) -> None:
        """Something came in: it counts for every marker that it mentions."""
        for marker, needle in list(self._markers.items()):
            if needle in data:
                self.seen[marker] += 1


def listen(serve: Callable[[socket.socket], None]) -> int:
    """A listening port on loopback; `serve` gets each connection in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def guarded(connection: socket.socket) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            serve(connection)
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=guarded, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


class HttpServer(Tally):
    """HTTP with keep-alive; `/hop/` redirects to the second port, `/stream/` answers in chunks."""

    def __init__(self) -> None:
        super().__init__()
        self.port = listen(self._serve)
        self.other_port = listen(self._serve)

    def address(self) -> Target:
        return {
            "url": f"http://127.0.0.1:{self.port}",
            "other": f"http://127.0.0.1:{self.other_port}",
            "host": "127.0.0.1",
            "port": self.port,
        }

    def _serve(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        here = connection.getsockname()[1]
        while True:
            request = reader.readline()
            if not request.strip():
                return
            headers: Dict[str, str] = {}
            while True:
                line = reader.readline().decode("latin-1").strip()
                if not line:
                    break
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            if headers.get("expect", "").lower() == "100-continue":
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = self._body(reader, headers)
            method, path = request.decode("latin-1").split(" ")[:2]
            if path.startswith("/hop/") and here == self.port:
                to = f"http://127.0.0.1:{self.other_port}/landed/" + path[5:]
                connection.sendall(f"HTTP/1.1 307 X\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())
                continue
            self.arrived(request + repr(sorted(headers.items())).encode() + body)
            self._respond(connection, method, path, headers, body)
            if headers.get("connection", "").lower() == "close":
                return

    @staticmethod
    def _body(reader: Any, headers: Dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return bytes(reader.read(int(headers.get("content-length") or 0)))
        body = b""
        while True:
            size = int(reader.readline().split(b";")[0], 16)
            body += reader.read(size)
            reader.readline()
            if size == 0:
                return body

    def _respond(self, connection: socket.socket, method: str, path: str, headers: Dict[str, str], body: bytes) -> None:
        if path.startswith("/stream/"):
            chunks = b"".join(b"5\r\nchunk\r\n" for _ in range(3)) + b"0\r\n\r\n"
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
            return
        status, kind, extra, payload = self.content(method, path, headers, body)
        if path.startswith("/missing/"):
            status = 404
        head = f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\n{extra}Content-Length: {len(payload)}\r\n\r\n"
        connection.sendall(head.encode() + (b"" if method == "HEAD" else payload))

    def content(self, method: str, path: str, headers: Dict[str, str], body: bytes) -> tuple[int, str, str, bytes]:
        """What a plain request gets; subclasses answer as a certain service would."""
        return 200, "application/json", "", b'{"ok": true}'


class SmtpServer(Tally):
    """SMTP up to the dot: a message counts when its data was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.port = listen(self._serve)

    def address(self) -> Target:
        return {"host": "127.0.0.1", "port": self.port}

    def _serve(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        connection.sendall(b"220 matrix ESMTP\r\n")
        for line in reader:
            verb = line.strip().upper().split(b" ")[0]
            if verb in (b"EHLO", b"LHLO"):
                connection.sendall(b"250-matrix\r\n250 8BITMIME\r\n")
            elif verb == b"RCPT" and b"rejected" in line:
                connection.sendall(b"550 no such user\r\n")
            elif verb == b"DATA":
                connection.sendall(b"354 go on\r\n")
                message = b""
                for part in reader:
                    if part == b".\r\n":
                        break
                    message += part
                self.arrived(message)
                connection.sendall(b"250 taken\r\n")
            elif verb == b"QUIT":
                connection.sendall(b"221 bye\r\n")
                return
            else:
                connection.sendall(b"250 ok\r\n")


class SinkServer(Tally):
    """Takes connections and hangs up: for libraries whose server cannot be had here.

    A connection is an effect that got through; which marker it was for does not matter, because cells
    run one at a time and every one of them reads the count's growth.
    """

    def __init__(self) -> None:
        super().__init__()
        self.connections = 0
        self._at: Dict[str, int] = {}
        self.port = listen(self._serve)

    def address(self) -> Target:
        return {"host": "127.0.0.1", "port": self.port}

    def _serve(self, connection: socket.socket) -> None:
        self.connections += 1

    def target(self, marker: str) -> Target:
        self._at[marker] = self.connections
        return super().target(marker)

    def count(self, marker: str) -> int:
        return self.connections - self._at[marker]


class FileServer(Tally):
    """The file system as the server: an effect appends to the file named after its marker."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def address(self) -> Target:
        return {"folder": self.folder}

    def target(self, marker: str) -> Target:
        return {**super().target(marker), "path": os.path.join(self.folder, marker)}

    def count(self, marker: str) -> int:
        try:
            return os.path.getsize(os.path.join(self.folder, marker))
        except FileNotFoundError:
            return 0
