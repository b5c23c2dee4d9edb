"""concurrent.futures: `ThreadPoolExecutor.submit` is below `map`, asyncio's `run_in_executor` and `to_thread`.

The pool's threads outlive the scope, so it travels with the work, not with the thread.
"""

from __future__ import annotations

from governor._scope import carry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "concurrent.futures"
MODULES = ("concurrent.futures.thread",)
FAMILY = "scope"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.ThreadPoolExecutor, "submit", _submit)


def _submit(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    if not args:
        return wrapped(*args, **kwargs)
    return wrapped(carry(args[0]), *args[1:], **kwargs)
