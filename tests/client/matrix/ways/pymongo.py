"""pymongo: collections, bulk writes, cursors, raw commands, sync and async, against a stand-in that speaks OP_MSG."""

from __future__ import annotations

import socket
import struct
from typing import Any, Dict

from ..servers import Tally, Target, listen
from ..way import way

GEVENT = True
REQUIRES = ("pymongo",)
_bound: Dict[str, Any] = {}


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


def prepare(target: Any) -> None:
    _bound["client"] = _client(target)
    _bound["collection"] = _bound["client"].matrix.rows


def _client(target: Any) -> Any:
    import pymongo

    return pymongo.MongoClient(target.mongo)


def _rows(target: Any) -> Any:
    return _client(target).matrix.rows


@way("insert_one", carriers=True, faults=True)
def insert_one(target: Any) -> Any:
    return _rows(target).insert_one({"_id": 1, "marker": target.marker}).inserted_id


@way("insert_many")
def insert_many(target: Any) -> Any:
    return _rows(target).insert_many([{"_id": 1, "marker": target.marker}]).inserted_ids


@way("update_one")
def update_one(target: Any) -> Any:
    return _rows(target).update_one({"marker": target.marker}, {"$set": {"a": 1}}).modified_count


@way("delete_many")
def delete_many(target: Any) -> Any:
    return _rows(target).delete_many({"marker": target.marker}).deleted_count


@way("find")
def find(target: Any) -> Any:
    return list(_rows(target).find({"marker": target.marker}))


@way("aggregate")
def aggregate(target: Any) -> Any:
    return list(_rows(target).aggregate([{"$match": {"marker": target.marker}}]))


@way("bulk_write")
def bulk_write(target: Any) -> Any:
    import pymongo

    return _rows(target).bulk_write([pymongo.InsertOne({"_id": 1, "marker": target.marker})]).inserted_count


@way("unacknowledged")
def unacknowledged(target: Any) -> Any:
    import pymongo

    rows = _rows(target).with_options(write_concern=pymongo.WriteConcern(w=0))
    return rows.insert_one({"_id": 1, "marker": target.marker}).acknowledged


@way("database.command")
def command(target: Any) -> Any:
    return _client(target).matrix.command("dropUser", target.marker)["ok"]


@way("bound-collection")
def bound_collection(target: Any) -> Any:
    return _bound["collection"].insert_one({"_id": 1, "marker": target.marker}).inserted_id


@way("async-insert_one", faults=True)
async def async_insert_one(target: Any) -> Any:
    import pymongo

    async with pymongo.AsyncMongoClient(target.mongo) as client:
        return (await client.matrix.rows.insert_one({"_id": 1, "marker": target.marker})).inserted_id


@way("async-find")
async def async_find(target: Any) -> Any:
    import pymongo

    async with pymongo.AsyncMongoClient(target.mongo) as client:
        return await client.matrix.rows.find({"marker": target.marker}).to_list()
