"""aiomysql: `Connection.query` sends every statement, with the values already in the text."""

from __future__ import annotations

from governor._statement import governed_statement, server_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "aiomysql"
MODULES = ("aiomysql.connection",)
FAMILY = "database"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.Connection, "query", _query)
    patcher.connects(module.Connection, "_connect")


async def _query(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    statement = args[0] if args else kwargs.get("sql", "")
    destination = server_url("mysql", getattr(instance, "_host", ""), getattr(instance, "_port", ""), getattr(instance, "_db", ""))
    async with governed_statement("aiomysql.Connection.query", destination, statement):
        return await wrapped(*args, **kwargs)
