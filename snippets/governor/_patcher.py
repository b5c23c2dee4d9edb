"""Puts a wrapper in the place of a function, and the very object back.

A wrapper has the signature `(wrapped, instance, args, kwargs)`: `wrapped` is the original, bound to
`instance` if it is a method, so that `wrapped(*args, **kwargs)` is what would have happened without us.
The replacement keeps name, signature, pickling by name and the kind of function (plain or coroutine).
"""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Wrapper = Callable[[Any, Any, "tuple[Any, ...]", "dict[str, Any]"], Any]

__all__ = ["Patcher"]

_MISSING: Any = object()
_CO_COROUTINE = 0x80


class Patcher:
    """Records every replacement, in order, so that `restore()` undoes them."""

    def __init__(self, is_active: Callable[[], bool]) -> None:
        self._is_active = is_active
        self._records: list[tuple[Any, str, Any, Any]] = []
        self._undo: list[Callable[[], None]] = []
        self._missing: list[str] = []
        self._found = 0
        self._living: dict[type, Callable[[Any], Any]] = {}

    def wrap(self, owner: Any, name: str, wrapper: Wrapper, *, asynchronous: bool | None = None, optional: bool = False) -> Any:
        """Replace `owner.name` (a module's function or a class's method) by `wrapper` around it.

        Other names of the owner for the very same function are replaced with it. Returns the original, or None where the owner has no such attribute (another version of the library). A module
        where no attribute was found but `optional` ones has lost its seam, and is refused: see `lost_seam`.
        `asynchronous` says that `wrapper` is a coroutine function; by default it is what the original is.
        """
        own = vars(owner).get(name, _MISSING)
        original = own if own is not _MISSING else getattr(owner, name, _MISSING)
        if original is _MISSING:
            if not optional:
                self._missing.append(f"{getattr(owner, '__qualname__', owner.__name__)}.{name}")
            return None
        if not optional:
            self._found += 1
        if is_ours(original):
            return original.__wrapped__ if hasattr(original, "__wrapped__") else original.__func__.__wrapped__
        replacement = self._replacement(owner, original, wrapper, asynchronous)
        self._put(owner, name, replacement)
        # `_execute_query = cmd_query` in a class is a second way to the same function.
        for alias in [other for other, value in vars(owner).items() if value is own]:
            self._put(owner, alias, replacement)
        return original

    def connects(self, owner: Any, *names: str) -> None:
        """Functions that only open a connection, where the library asks later: the backstop is told nothing new by them."""
        for name in names:
            asynchronous = _is_coroutine_function(getattr(owner, name, None))
            self.wrap(owner, name, _connect_async if asynchronous else _connect, optional=True)

    def replace(self, owner: Any, name: str, replacement: Any) -> None:
        """Set `owner.name` to `replacement` until `restore()`."""
        self._found += 1
        self._put(owner, name, replacement)

    def _put(self, owner: Any, name: str, replacement: Any) -> None:
        own = vars(owner).get(name, _MISSING)
        setattr(owner, name, replacement)  # a TypeError here means a C type, which needs another seam
        # A module that was imported meanwhile took our stand-in from another: what belongs there is what that stands for.
        own = vars(own).get("_governor_original", own) if isinstance(own, type) else own
        self._records.append((owner, name, own, vars(owner).get(name, replacement)))

    def begin(self) -> None:
        """Before one module's patch: forget what was found and missed in the last one."""
        self._missing, self._found = [], 0

    def lost_seam(self) -> str:
        """After one module's patch: the attributes that were looked for, if none of them was there."""
        return "" if self._found else ", ".join(self._missing)

    def on_restore(self, undo: Callable[[], None]) -> None:
        """Run `undo` at `restore()`; for patches that register with a library instead of replacing."""
        self._undo.append(undo)

    def on_living(self, kind: type, adopt: Callable[[Any], Any]) -> None:
        """Call `adopt(instance)` at `enable()` for each instance of this C type that was made before.

        It returns None if it could put the instance under the gate, else a `Call` that says what stays ungoverned.
        """
        self._living[kind] = adopt

    def adopt_living(self) -> list[Any]:
        """At the end of `enable()`: the calls that stand for what was made before and stays ungoverned."""
        kinds, self._living = self._living, {}
        if not kinds:
            return []
        from governor._living import adopt_living

        return adopt_living(kinds)

    def restore(self) -> None:
        """Put every original back, except where somebody else has replaced ours meanwhile."""
        while self._undo:
            self._undo.pop()()
        while self._records:
            owner, name, own, ours = self._records.pop()
            if vars(owner).get(name, _MISSING) is not ours:
                continue
            if own is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, own)

    def rebind_captured(self) -> None:
        """Replace C functions that modules captured by name (`from os import system`) before the patch.

        A Python function stays reachable through its class, a C function does not: whoever holds it, holds
        the original. Module namespaces that hold one are found through the garbage collector.
        """
        import gc

        replacements: dict[int, Any] = {}
        originals: list[Any] = []
        for owner, _name, own, ours in self._records:
            if isinstance(owner, ModuleType) and own is not _MISSING and isinstance(ours, BuiltinReplacement):
                replacements[id(own)] = ours
                originals.append(own)
        if not originals:
            return
        namespaces = {id(vars(module)): module for module in list(sys.modules.values()) if isinstance(module, ModuleType)}
        for holder in gc.get_referrers(*originals):
            module = namespaces.get(id(holder))
            if module is None or module.__name__.partition(".")[0] == "governor" or module.__name__ in _ORIGIN_MODULES:
                continue
            for name, value in list(vars(module).items()):
                ours = replacements.get(id(value))
                if ours is not None:
                    self.replace(module, name, ours)

    def _replacement(self, owner: Any, original: Any, wrapper: Wrapper, asynchronous: bool | None) -> Any:
        if isinstance(owner, ModuleType) and not isinstance(original, FunctionType):
            return BuiltinReplacement(owner.__name__, original, wrapper, self._is_active)
        if isinstance(original, staticmethod):
            return staticmethod(_wrap_plain(original.__func__, wrapper, self._is_active, asynchronous))
        if isinstance(original, classmethod):
            return classmethod(_wrap_method(original.__func__, wrapper, self._is_active, asynchronous))
        if isinstance(owner, ModuleType):
            return _wrap_plain(original, wrapper, self._is_active, asynchronous)
        return _wrap_method(original, wrapper, self._is_active, asynchronous)


# The C modules themselves keep their functions: the standard library's own code relies on identity there.
_ORIGIN_MODULES = frozenset({"posix", "nt", "_io", "_sqlite3", "_posixsubprocess", "_socket"})


def _connect(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    from governor._authority import connecting

    with connecting():
        return wrapped(*args, **kwargs)


async def _connect_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    from governor._authority import connecting

    with connecting():
        return await wrapped(*args, **kwargs)


def is_ours(function: Any) -> bool:
    return bool(getattr(getattr(function, "__func__", function), "__governor__", False))


def _is_coroutine_function(function: Any) -> bool:
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & _CO_COROUTINE)


def _wrap_plain(original: Any, wrapper: Wrapper, is_active: Callable[[], bool], asynchronous: bool | None) -> Any:
    if asynchronous is None:
        asynchronous = _is_coroutine_function(original)
    if asynchronous:

        async def replacement_async(*args: Any, **kwargs: Any) -> Any:
            if not is_active():
                return await original(*args, **kwargs)
            return await wrapper(original, None, args, kwargs)

        return _dress(replacement_async, original)

    def replacement(*args: Any, **kwargs: Any) -> Any:
        if not is_active():
            return original(*args, **kwargs)
        return wrapper(original, None, args, kwargs)

    return _dress(replacement, original)


def _wrap_method(original: Any, wrapper: Wrapper, is_active: Callable[[], bool], asynchronous: bool | None) -> Any:
    if asynchronous is None:
        asynchronous = _is_coroutine_function(original)
    bind = original.__get__
    if asynchronous:

        async def replacement_async(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            if not is_active():
                return await original(self, *args, **kwargs)
            return await wrapper(bind(self), self, args, kwargs)

        return _dress(replacement_async, original)

    def replacement(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        if not is_active():
            return original(self, *args, **kwargs)
        return wrapper(bind(self), self, args, kwargs)

    return _dress(replacement, original)


def _dress(replacement: Any, original: Any) -> Any:
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        try:
            setattr(replacement, name, getattr(original, name))
        except (AttributeError, TypeError):
            continue
    replacement.__dict__.update(getattr(original, "__dict__", {}))
    replacement.__wrapped__ = original
    replacement.__governor__ = True
    # `inspect.getfullargspec` does not look through `__wrapped__`. Not imported for this: where it is not loaded yet,
    # nobody asks.
    inspect = sys.modules.get("inspect")
    if inspect is not None and not hasattr(original, "__wrapped__"):
        try:
            replacement.__signature__ = inspect.signature(original)
        except (TypeError, ValueError):
            pass
    return replacement


class BuiltinReplacement:
    """Stands in for a C function of a module: not a descriptor, so that `class A: f = open` keeps working."""

    __governor__ = True

    def __init__(self, module: str, original: Any, wrapper: Wrapper, is_active: Callable[[], bool]) -> None:
        self.__wrapped__ = original
        self.__name__ = original.__name__
        self.__qualname__ = getattr(original, "__qualname__", original.__name__)
        self.__module__ = module
        self.__doc__ = original.__doc__
        self._wrapper = wrapper
        self._is_active = is_active

    @property
    def __text_signature__(self) -> Any:
        return getattr(self.__wrapped__, "__text_signature__", None)

    @property
    def __self__(self) -> Any:
        return getattr(self.__wrapped__, "__self__", None)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if not self._is_active():
            return self.__wrapped__(*args, **kwargs)
        return self._wrapper(self.__wrapped__, None, args, kwargs)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __reduce__(self) -> str:
        return str(self.__qualname__)
