"""motor: the asyncio client, which runs pymongo's synchronous one in threads of its own."""

from __future__ import annotations

from typing import Any

from ..way import way
from ._mongo import Server as Server

REQUIRES = ("motor.motor_asyncio",)


class _Rows:
    """A collection of a client that is closed at the end."""

    def __init__(self, target: Any) -> None:
        from motor.motor_asyncio import AsyncIOMotorClient

        self.client = AsyncIOMotorClient(target.mongo)

    async def __aenter__(self) -> Any:
        return self.client.matrix.rows

    async def __aexit__(self, *exception: Any) -> None:
        self.client.close()


@way("insert_one", faults=True, carriers=True)
async def insert_one(target: Any) -> Any:
    async with _Rows(target) as rows:
        return (await rows.insert_one({"_id": 1, "marker": target.marker})).inserted_id


@way("insert_many")
async def insert_many(target: Any) -> Any:
    async with _Rows(target) as rows:
        return (await rows.insert_many([{"_id": 1, "marker": target.marker}])).inserted_ids


@way("update_one")
async def update_one(target: Any) -> Any:
    async with _Rows(target) as rows:
        return (await rows.update_one({"marker": target.marker}, {"$set": {"a": 1}})).modified_count


@way("delete_many")
async def delete_many(target: Any) -> Any:
    async with _Rows(target) as rows:
        return (await rows.delete_many({"marker": target.marker})).deleted_count


@way("find-to_list")
async def find(target: Any) -> Any:
    async with _Rows(target) as rows:
        return await rows.find({"marker": target.marker}).to_list(10)


@way("find-iterated")
async def find_iterated(target: Any) -> Any:
    async with _Rows(target) as rows:
        return [row async for row in rows.find({"marker": target.marker})]


@way("aggregate")
async def aggregate(target: Any) -> Any:
    async with _Rows(target) as rows:
        return [row async for row in rows.aggregate([{"$match": {"marker": target.marker}}])]


@way("bulk_write")
async def bulk_write(target: Any) -> Any:
    import pymongo

    async with _Rows(target) as rows:
        return (await rows.bulk_write([pymongo.InsertOne({"_id": 1, "marker": target.marker})])).inserted_count


@way("database.command")
async def command(target: Any) -> Any:
    async with _Rows(target) as rows:
        return (await rows.database.command("dropUser", target.marker))["ok"]
