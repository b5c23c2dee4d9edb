"""Post-import hook: hands a module to whoever waits for it, right after its code ran.

One finder on `sys.meta_path` looks only at names that somebody waits for. It lets the other finders find
the module and puts a step after the loader's `exec_module`, on the loader instance, so that
`__loader__`, `__spec__` and resource access stay what they were. Finding alone triggers nothing;
`importlib.reload` and lazy loaders come through the same step.
"""

from __future__ import annotations

import sys
from _thread import _local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

__all__ = ["when_imported"]

_waiting: dict[str, list[Callable[[ModuleType], None]]] = {}
# Modules whose code was running in another thread when somebody began to wait for them.
_unfinished: dict[str, Callable[[ModuleType], None]] = {}
_searching = _local()


def when_imported(name: str, action: Callable[[ModuleType], None]) -> None:
    """Call `action(module)` now if the module is there, and after each time its code runs from here on."""
    _waiting.setdefault(name, []).append(action)
    _stand_first()
    module = sys.modules.get(name)
    if module is None:
        return
    if _is_initialising(module):
        _unfinished[name] = action
    else:
        action(module)


def stay_first() -> None:
    """Called as an import begins: another finder may have been put before ours, or a module been finished meanwhile."""
    if _waiting and sys.meta_path[0] is not _finder:
        _stand_first()
    if _unfinished:
        for name, action in list(_unfinished.items()):
            module = sys.modules.get(name)
            if module is None or not _is_initialising(module):
                _unfinished.pop(name, None)
                if module is not None:
                    action(module)


def forget_all() -> None:
    _waiting.clear()
    _unfinished.clear()
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


def _stand_first() -> None:
    if sys.meta_path[0] is not _finder:
        if _finder in sys.meta_path:
            sys.meta_path.remove(_finder)
        sys.meta_path.insert(0, _finder)


def _is_initialising(module: ModuleType) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def _notify(module: ModuleType, name: str) -> None:
    for action in list(_waiting.get(name, ())):
        action(module)


class _Finder:
    """Delegates to the finders behind it; reentrant per thread, so that it never finds through itself."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in _waiting:
            return None
        active = _searching.__dict__.setdefault("names", set())
        if name in active:
            return None
        active.add(name)
        try:
            spec = None
            for finder in list(sys.meta_path):
                find = getattr(finder, "find_spec", None)
                if finder is self or find is None:
                    continue
                spec = find(name, path, target)
                if spec is not None:
                    break
        finally:
            active.discard(name)
        if spec is not None and spec.loader is not None and hasattr(spec.loader, "exec_module"):
            _add_step(spec, name)
        return spec

    def invalidate_caches(self) -> None:
        return None


_finder: Any = _Finder()


def _add_step(spec: Any, name: str) -> None:
    loader = spec.loader
    if isinstance(loader, type) or not hasattr(loader, "__dict__"):
        spec.loader = _SteppedLoader(loader)
        return
    exec_module = loader.exec_module
    if getattr(exec_module, "__governor__", False):
        return

    def exec_then_notify(module: ModuleType) -> None:
        exec_module(module)
        _notify(module, module.__name__)

    exec_then_notify.__governor__ = True  # type: ignore[attr-defined]
    loader.exec_module = exec_then_notify


class _SteppedLoader:
    """Stands in for a loader that is a class (built-in, frozen) and so cannot carry a step of its own."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        _notify(module, module.__name__)
