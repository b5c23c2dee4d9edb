"""oracledb: the cursors are Python classes in both modes, and every statement goes through these methods of theirs."""

from __future__ import annotations

from governor._gate import passing
from governor._statement import governed_statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "oracledb"
MODULES = ("oracledb.cursor",)
FAMILY = "database"
NOT_INTERCEPTED = ("oracledb.Cursor.prepare",)


def install(module: ModuleType, patcher: Patcher) -> None:
    for name in ("execute", "executemany"):
        patcher.wrap(module.Cursor, name, _run)
        patcher.wrap(module.AsyncCursor, name, _run_async)
    for name in ("callproc", "callfunc"):
        patcher.wrap(module.Cursor, name, _call)
        patcher.wrap(module.AsyncCursor, name, _call_async)


def _asked(cursor: Any, name: str, statement: Any, parameters: Any) -> Any:
    dsn = str(getattr(getattr(cursor, "connection", None), "dsn", "") or "")
    text = statement if statement else getattr(cursor, "statement", "") or "EXECUTE"
    return governed_statement(f"oracledb.Cursor.{name}", f"oracle://{dsn}", text, parameters)


def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    statement = args[0] if args else kwargs.get("statement")
    with _asked(instance, wrapped.__name__, statement, (args[1:], kwargs)):
        return wrapped(*args, **kwargs)


async def _run_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    statement = args[0] if args else kwargs.get("statement")
    async with _asked(instance, wrapped.__name__, statement, (args[1:], kwargs)):
        return await wrapped(*args, **kwargs)


def _call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    name = args[0] if args else kwargs.get("name", "")
    with _asked(instance, wrapped.__name__, f"CALL {name}", (args[1:], kwargs)), passing("database"):
        return wrapped(*args, **kwargs)


async def _call_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    name = args[0] if args else kwargs.get("name", "")
    async with _asked(instance, wrapped.__name__, f"CALL {name}", (args[1:], kwargs)):
        with passing("database"):
            return await wrapped(*args, **kwargs)
