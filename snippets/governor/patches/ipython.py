"""IPython: the kernel writes what was typed to its own SQLite file, which is no effect of the user's code.

Shell escapes (`!cmd`, `%%bash`) are asked about where the process starts: subprocess, os and pexpect.
"""

from __future__ import annotations

from governor._gate import passing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "ipython"
MODULES = ("IPython.core.history",)
FAMILY = "database"

_READS = ("init_db", "_run_sql", "get_session_info", "get_last_session_id", "get_tail")
_WRITES = (
    "new_session", "end_session", "name_session", "reset", "writeout_cache", "_writeout_input_cache",
    "_writeout_output_cache", "_get_range_session", "get_session_info", "get_tail",
)  # fmt: skip


def install(module: ModuleType, patcher: Patcher) -> None:
    for name in _READS:
        patcher.wrap(module.HistoryAccessor, name, _own_history, optional=True)
    patcher.wrap(module.HistoryManager, "writeout_cache", _own_history)
    for name in _WRITES:
        if name in vars(module.HistoryManager):
            patcher.wrap(module.HistoryManager, name, _own_history, optional=True)


def _own_history(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with passing("database"):
        return wrapped(*args, **kwargs)
