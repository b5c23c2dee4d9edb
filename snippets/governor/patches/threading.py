"""threading: a thread runs in the scope that held where it was started; `_bootstrap_inner` is below every `run`.

`Thread.run` itself would miss subclasses that override it. `Timer` is a thread. From 3.14 on a thread calls `run` in a context
of its own, which then gets the scope; one that the caller chose is left as it is.
"""

from __future__ import annotations

import sys
from contextvars import Context, copy_context

from governor._scope import current_scope, resume_for_good

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "threading"
MODULES = ("threading",)
FAMILY = "scope"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.Thread, "start", _start)
    patcher.wrap(module.Thread, "_bootstrap_inner", _run)


def _start(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    scope = current_scope()
    if scope is not None and getattr(instance, "_context", None) is None:
        instance._governor_scope = scope
        if hasattr(instance, "_context"):
            instance._context = copy_context() if getattr(sys.flags, "thread_inherit_context", False) else Context()
    return wrapped(*args, **kwargs)


def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    scope = instance.__dict__.pop("_governor_scope", None)
    if scope is None:
        return wrapped(*args, **kwargs)
    context = getattr(instance, "_context", None)
    if context is None:
        resume_for_good(scope)
        return wrapped(*args, **kwargs)
    context.run(resume_for_good, scope)
    try:
        return wrapped(*args, **kwargs)
    finally:
        # The thread keeps its context when it has ended.
        context.run(resume_for_good, None)
