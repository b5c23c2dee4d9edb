"""asyncpg: connection, pool, prepared statements, cursors, copy."""

from __future__ import annotations

import io
from typing import Any

from ..way import way

REQUIRES = ("asyncpg",)
SERVER = "postgres"
INSERT = "insert into governor_matrix values ($1)"
TOUCH = "select governor_matrix_touch($1)"


class _Connected:
    def __init__(self, target: Any) -> None:
        self._dsn = target.dsn

    async def __aenter__(self) -> Any:
        import asyncpg

        self._connection = await asyncpg.connect(self._dsn)
        return self._connection

    async def __aexit__(self, *exception: Any) -> None:
        await self._connection.close()


@way("execute", carriers=True, faults=True)
async def execute(target: Any) -> Any:
    async with _Connected(target) as connection:
        return await connection.execute(INSERT, target.marker)


@way("execute-simple")
async def execute_simple(target: Any) -> Any:
    async with _Connected(target) as connection:
        return await connection.execute(f"insert into governor_matrix values ('{target.marker}')")


@way("executemany", effects=2)
async def executemany(target: Any) -> Any:
    async with _Connected(target) as connection:
        return await connection.executemany(INSERT, [(target.marker,), (target.marker,)])


@way("fetch")
async def fetch(target: Any) -> Any:
    async with _Connected(target) as connection:
        return [tuple(row) for row in await connection.fetch(TOUCH, target.marker)]


@way("fetchrow")
async def fetchrow(target: Any) -> Any:
    async with _Connected(target) as connection:
        return tuple(await connection.fetchrow(TOUCH, target.marker))


@way("fetchval")
async def fetchval(target: Any) -> Any:
    async with _Connected(target) as connection:
        return await connection.fetchval(TOUCH, target.marker)


@way("fetchmany", effects=2)
async def fetchmany(target: Any) -> Any:
    async with _Connected(target) as connection:
        rows = await connection.fetchmany(INSERT + " returning 1", [(target.marker,), (target.marker,)])
        return [tuple(row) for row in rows]


@way("prepared.fetch")
async def prepared_fetch(target: Any) -> Any:
    async with _Connected(target) as connection:
        statement = await connection.prepare(TOUCH)
        return [tuple(row) for row in await statement.fetch(target.marker)]


@way("prepared.executemany", effects=2)
async def prepared_executemany(target: Any) -> Any:
    async with _Connected(target) as connection:
        statement = await connection.prepare(INSERT)
        return await statement.executemany([(target.marker,), (target.marker,)])


@way("prepared.fetchmany", effects=2)
async def prepared_fetchmany(target: Any) -> Any:
    async with _Connected(target) as connection:
        statement = await connection.prepare(INSERT + " returning 1")
        return [tuple(row) for row in await statement.fetchmany([(target.marker,), (target.marker,)])]


@way("prepared.fetchval")
async def prepared_fetchval(target: Any) -> Any:
    async with _Connected(target) as connection:
        return await (await connection.prepare(TOUCH)).fetchval(target.marker)


@way("prepared.cursor")
async def prepared_cursor(target: Any) -> Any:
    async with _Connected(target) as connection, connection.transaction():
        statement = await connection.prepare(TOUCH)
        return [tuple(row) async for row in statement.cursor(target.marker)]


@way("cursor")
async def cursor(target: Any) -> Any:
    async with _Connected(target) as connection, connection.transaction():
        return [tuple(row) async for row in connection.cursor(TOUCH, target.marker)]


@way("awaited-cursor")
async def awaited_cursor(target: Any) -> Any:
    async with _Connected(target) as connection, connection.transaction():
        return [tuple(row) for row in await (await connection.cursor(TOUCH, target.marker)).fetch(5)]


@way("copy_records_to_table")
async def copy_records(target: Any) -> Any:
    async with _Connected(target) as connection:
        return await connection.copy_records_to_table("governor_matrix", records=[(target.marker,)])


@way("copy_to_table")
async def copy_to_table(target: Any) -> Any:
    async with _Connected(target) as connection:
        return await connection.copy_to_table("governor_matrix", source=io.BytesIO(target.marker.encode() + b"\n"))


@way("copy_from_query")
async def copy_from_query(target: Any) -> Any:
    async with _Connected(target) as connection:
        sink = io.BytesIO()
        return await connection.copy_from_query(TOUCH, target.marker, output=sink)


@way("pool.execute")
async def pool_execute(target: Any) -> Any:
    import asyncpg

    async with asyncpg.create_pool(target.dsn, min_size=1, max_size=1) as pool:
        return await pool.execute(INSERT, target.marker)


@way("pool.acquire")
async def pool_acquire(target: Any) -> Any:
    import asyncpg

    async with asyncpg.create_pool(target.dsn, min_size=1, max_size=1) as pool:
        async with pool.acquire() as connection:
            return await connection.fetchval(TOUCH, target.marker)


@way("subclass")
async def subclass(target: Any) -> Any:
    import asyncpg

    class Own(asyncpg.Connection):  # type: ignore[misc]
        pass

    connection = await asyncpg.connect(target.dsn, connection_class=Own)
    try:
        return await connection.execute(INSERT, target.marker)
    finally:
        await connection.close()


@way("raises-bad-sql", effects=0)
async def raises_bad_sql(target: Any) -> Any:
    async with _Connected(target) as connection:
        await connection.execute("insert into no_such_table values ($1)", target.marker)
