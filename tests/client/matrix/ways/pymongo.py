"""pymongo: collections, bulk writes, cursors, raw commands, sync and async, against a stand-in that speaks OP_MSG."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way
from ._mongo import Server as Server

GEVENT = True
REQUIRES = ("pymongo",)
_bound: Dict[str, Any] = {}


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
