"""As much of MongoDB as its drivers need: a stand-in that speaks OP_MSG."""

from __future__ import annotations

import socket
import struct
from typing import Any, Dict

from ..servers import Tally, Target, listen


class Server(Tally):
    """As much of MongoDB as a client needs to believe: hello, and yes to every command."""

    def __init__(self) -> None:
        super().__init__()
        self._port = listen(self._serve)

    def address(self) -> Target:
        return {"mongo": f"mongodb://127.0.0.1:{self._port}/?directConnection=true&serverSelectionTimeoutMS=3000"}

    def _serve(self, connection: socket.socket) -> None:
        import bson

        reader = connection.makefile("rb")
        while True:
            head = reader.read(16)
            if len(head) < 16:
                return
            size, number, _, opcode = struct.unpack("<iiii", head)
            body = reader.read(size - 16)
            if opcode == 2004:
                command = bson.decode(body[body.index(b"\0", 4) + 9 :])
            else:
                command = bson.decode(body[5 : 5 + struct.unpack("<i", body[5:9])[0]])
            name = next(iter(command))
            if name.lower() not in ("hello", "ismaster", "endsessions", "ping"):
                self.arrived(body)
            reply = bson.encode(self._reply(name.lower()))
            if opcode == 2004:
                payload = struct.pack("<iqii", 8, 0, 0, 1) + reply
                answer = struct.pack("<iiii", 16 + len(payload), 1, number, 1) + payload
            else:
                payload = struct.pack("<i", 0) + b"\0" + reply
                answer = struct.pack("<iiii", 16 + len(payload), 1, number, 2013) + payload
            connection.sendall(answer)

    @staticmethod
    def _reply(name: str) -> Dict[str, Any]:
        if name in ("hello", "ismaster"):
            return {
                "ok": 1.0, "helloOk": True, "isWritablePrimary": True, "ismaster": True, "minWireVersion": 0,
                "maxWireVersion": 25, "maxBsonObjectSize": 16777216, "maxMessageSizeBytes": 48000000,
                "maxWriteBatchSize": 1000, "logicalSessionTimeoutMinutes": 30, "readOnly": False,
            }  # fmt: skip
        if name in ("find", "aggregate"):
            return {"ok": 1.0, "cursor": {"id": 0, "ns": "matrix.rows", "firstBatch": [{"n": 1}]}}
        return {"ok": 1.0, "n": 1, "nModified": 1}
