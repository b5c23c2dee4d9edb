"""aiosqlite: its worker thread runs sqlite3, the decision is made in the caller's context."""

from __future__ import annotations

from typing import Any

from ..way import way
from ._rows import Server as Server

REQUIRES = ("aiosqlite",)
INSERT = "insert into governor_matrix values (?)"


@way("connection.execute", carriers=True, faults=True)
async def execute(target: Any) -> Any:
    import aiosqlite

    async with aiosqlite.connect(target.path, isolation_level=None) as connection:
        return (await connection.execute(INSERT, (target.marker,))).rowcount


@way("cursor.execute")
async def cursor_execute(target: Any) -> Any:
    import aiosqlite

    async with aiosqlite.connect(target.path, isolation_level=None) as connection, connection.cursor() as cursor:
        return (await cursor.execute(INSERT, (target.marker,))).rowcount


@way("executemany", effects=2)
async def executemany(target: Any) -> Any:
    import aiosqlite

    async with aiosqlite.connect(target.path, isolation_level=None) as connection:
        return (await connection.executemany(INSERT, [(target.marker,), (target.marker,)])).rowcount


@way("executescript")
async def executescript(target: Any) -> Any:
    import aiosqlite

    async with aiosqlite.connect(target.path, isolation_level=None) as connection:
        await connection.executescript(f"insert into governor_matrix values ('{target.marker}')")


@way("execute_insert", decisions=2)
async def execute_insert(target: Any) -> Any:
    import aiosqlite

    async with aiosqlite.connect(target.path, isolation_level=None) as connection:
        return len(await connection.execute_insert(INSERT, (target.marker,)) or ())


@way("commit")
async def commit(target: Any) -> Any:
    import aiosqlite

    async with aiosqlite.connect(target.path) as connection:
        await connection.execute(INSERT, (target.marker,))
        await connection.commit()
