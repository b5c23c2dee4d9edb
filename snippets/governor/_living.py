"""What was made before `enable()`: the instances of C types that take no patch, as the garbage collector knows them."""

from __future__ import annotations

import gc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

__all__ = ["adopt_living", "living"]

_HAVE_GC = 1 << 14


def adopt_living(kinds: dict[type, Callable[[Any], Any]]) -> list[Any]:
    """Hand each living instance to its type's function; returns what these return for those that cannot be governed."""
    ungoverned = []
    for instance in living(kinds):
        adopt = next(kinds[base] for base in type(instance).__mro__ if base in kinds)
        call = adopt(instance)
        if call is not None:
            ungoverned.append(call)
    return ungoverned


def living(kinds: Iterable[type]) -> list[Any]:
    """The instances of these types and of their subclasses, other than the client's own stand-ins."""
    wanted: set[type] = set()
    for kind in kinds:
        _add_with_subclasses(kind, wanted)
    objects = gc.get_objects()
    if not all(kind.__flags__ & _HAVE_GC for kind in wanted):
        # Before 3.10 such an instance is not tracked itself, but what holds it is.
        held = gc.get_referents(*objects)
        objects += held + [value for one in held if type(one) is dict and not gc.is_tracked(one) for value in one.values()]
    return list({id(one): one for one in objects if type(one) in wanted}.values())


def _add_with_subclasses(kind: type, found: set[type]) -> None:
    if kind not in found and not hasattr(kind, "_governor_original"):
        found.add(kind)
        for subclass in type.__subclasses__(kind):
            _add_with_subclasses(subclass, found)
