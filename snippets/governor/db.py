"""A governed statement on any DB-API connection, for code that wants to name it."""

from __future__ import annotations

from governor._primitive import run
from governor._statement import sql_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["query"]


def query(connection: Any, statement: str, parameters: Any = None, *, destination: str = "") -> list[Any]:
    """Run one statement and return its rows (none for a statement that has no result). Committing is the caller's."""
    call = sql_call("governor.db.query", destination or type(connection).__module__, statement, parameters)

    def effect() -> list[Any]:
        cursor = connection.cursor()
        try:
            if parameters is None:
                cursor.execute(statement)
            else:
                cursor.execute(statement, parameters)
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()

    return effect() if call is None else run(call, effect)
