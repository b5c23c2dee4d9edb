"""aiosqlite: its worker thread runs sqlite3, whose connections ask; `Connection._execute` hands each step over.

The step takes along what holds where it was awaited: the scope, and the call that it is a part of (SQLAlchemy's).
"""

from __future__ import annotations

from governor._gate import carry_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "aiosqlite"
MODULES = ("aiosqlite.core",)
FAMILY = "scope"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.Connection, "_execute", _hand_over)


async def _hand_over(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return await wrapped(carry_call(args[0]), *args[1:], **kwargs)
