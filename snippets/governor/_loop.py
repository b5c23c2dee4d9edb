"""Runs blocking work beside whatever event loop is running here: asyncio, trio, or none."""

from __future__ import annotations

import os
import sys
from contextvars import copy_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["in_thread"]


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run `function` beside the event loop that is running here, in a copy of the context."""
    context = copy_context()
    asyncio = sys.modules.get("asyncio")
    loop = None
    if asyncio is not None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
    if loop is not None:
        return await loop.run_in_executor(_executor(), context.run, function, *arguments)
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            trio.lowlevel.current_task()
        except RuntimeError:
            return context.run(function, *arguments)
        return await trio.to_thread.run_sync(context.run, function, *arguments)
    return context.run(function, *arguments)


_threads: Any = None


def _executor() -> Any:
    """The gate's own threads: the default executor may be full of work that waits for a decision."""
    global _threads
    if _threads is None:
        from concurrent.futures import ThreadPoolExecutor

        _threads = ThreadPoolExecutor(8, thread_name_prefix="governor")
    return _threads


def _forget_threads() -> None:
    global _threads
    _threads = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
