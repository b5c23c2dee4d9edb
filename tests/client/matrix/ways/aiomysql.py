"""aiomysql: cursors, `executemany`, `Connection.query`, pools."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("aiomysql",)
SERVER = "mariadb"
INSERT = "insert into governor_matrix values (%s)"


class _Connected:
    def __init__(self, target: Any) -> None:
        login = dict(target.login)
        login["db"] = login.pop("database")
        self._login = login

    async def __aenter__(self) -> Any:
        import aiomysql

        self._connection = await aiomysql.connect(**self._login, autocommit=True)
        return self._connection

    async def __aexit__(self, *exception: Any) -> None:
        self._connection.close()


@way("cursor.execute", carriers=True, faults=True)
async def execute(target: Any) -> Any:
    async with _Connected(target) as connection, connection.cursor() as cursor:
        return await cursor.execute(INSERT, (target.marker,))


@way("executemany", effects=2)
async def executemany(target: Any) -> Any:
    async with _Connected(target) as connection, connection.cursor() as cursor:
        return await cursor.executemany(INSERT, [(target.marker,), (target.marker,)])


@way("connection.query")
async def query(target: Any) -> Any:
    async with _Connected(target) as connection:
        return await connection.query(f"insert into governor_matrix values ('{target.marker}')")


@way("raises-bad-sql", effects=0)
async def raises_bad_sql(target: Any) -> Any:
    async with _Connected(target) as connection, connection.cursor() as cursor:
        await cursor.execute("insert into no_such_table values (%s)", (target.marker,))
