"""Items that live in another service."""

import os
from typing import Any

import httpx
from litestar import Litestar, delete, get, post


@get("/health")
async def health() -> "dict[str, str]":
    return {"status": "ok"}


@post("/items")
async def create(data: "dict[str, Any]") -> "dict[str, Any]":
    async with httpx.AsyncClient(base_url=os.environ["OUTSIDE"]) as client:
        answer = await client.post("/items", json=data)
        return answer.json()


@delete("/items/{item:int}")
async def remove(item: int) -> None:
    async with httpx.AsyncClient(base_url=os.environ["OUTSIDE"]) as client:
        await client.delete(f"/items/{item}")


app = Litestar([health, create, remove])
