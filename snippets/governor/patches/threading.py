"""threading: a thread runs in the scope that held where it was started; `_bootstrap_inner` is below every `run`.

`Thread.run` itself would miss subclasses that override it. `Timer` is a thread.
"""

from __future__ import annotations

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
    if scope is not None:
        instance._governor_scope = scope
    return wrapped(*args, **kwargs)


def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    scope = instance.__dict__.pop("_governor_scope", None)
    if scope is not None:
        resume_for_good(scope)
    return wrapped(*args, **kwargs)
