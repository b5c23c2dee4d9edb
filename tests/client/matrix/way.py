"""How a library's public ways to cause an effect are declared.

A module in `ways/` is one library. It names its server, and each function marked `@way` causes exactly
one effect that carries the target's marker. The library is imported inside the functions, so that a
worker decides whether it is imported before or after `governor.enable()`. `prepare(target)` makes what
the "bound before" ways use: sessions, connections and captured names from before.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import inspect
import pkgutil
from types import ModuleType, SimpleNamespace
from typing import Any, Callable, Dict, List, Optional, Tuple, TypeVar, Union

Function = TypeVar("Function", bound=Callable[..., Any])

CARRIERS = ("thread", "pool", "executor", "to_thread", "task", "fork", "spawn")
ASYNC_CARRIERS = ("task", "loop-in-thread", "fork", "spawn")


@dataclasses.dataclass(frozen=True)
class Way:
    """One public way to cause the effect."""

    name: str
    function: Callable[..., Any]
    effects: Optional[int] = 1
    """How often the server counts it when it is allowed; None for at least once."""
    decisions: Optional[int] = 1
    """How often the plane is asked for it; None where the library decides how often it acts."""
    carriers: Union[bool, Tuple[str, ...]] = False
    """Also drive it in a thread, an executor, a task, a forked and a spawned child, or in those named."""
    faults: bool = False
    """Also drive it with every fault of the plane."""
    wrapped: bool = False
    """The library wraps whatever is raised inside it: the denial is its cause."""
    swallowed: bool = False
    """The library keeps what is raised inside it (a background thread): only the count is checked."""
    redirects: bool = False
    """Its effect is at the end of a redirect to another host, which is a second question."""

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function)


def way(name: str = "", _into: Optional[List[Way]] = None, **options: Any) -> Callable[[Function], Function]:
    """Mark a function as a way; its name is the cell's, with dashes."""

    def mark(function: Function) -> Function:
        title = name or function.__name__.strip("_").replace("_", "-")
        found = function.__globals__.setdefault("_ways", []) if _into is None else _into
        found.append(Way(title, function, **options))
        return function

    return mark


@dataclasses.dataclass(frozen=True)
class Library:
    """One module of `ways/`."""

    stem: str
    module: ModuleType

    @property
    def ways(self) -> List[Way]:
        return list(self.module.__dict__.get("_ways", ()))

    @property
    def server(self) -> str:
        return str(getattr(self.module, "SERVER", "http"))

    @property
    def gevent(self) -> bool:
        return bool(getattr(self.module, "GEVENT", False))

    @property
    def without(self) -> Tuple[str, ...]:
        """Families that a worker leaves off, so that its own carriers are not governed."""
        return tuple(getattr(self.module, "WITHOUT", ("process",)))

    def missing(self) -> List[str]:
        """Which of the imports that it needs are not installed."""
        return [name for name in getattr(self.module, "REQUIRES", ()) if not _found(name)]


def _found(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def libraries() -> Dict[str, Library]:
    """Every library of `ways/`, by stem."""
    from . import ways

    stems = sorted(info.name for info in pkgutil.iter_modules(ways.__path__) if not info.name.startswith("_"))
    return {stem: Library(stem, importlib.import_module(f"{ways.__name__}.{stem}")) for stem in stems}


def aim(target: Dict[str, Any]) -> SimpleNamespace:
    """The target as a way reads it."""
    return SimpleNamespace(**target)
