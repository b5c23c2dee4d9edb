"""What the patches of database drivers share: a call that is one statement, a gate around it, subclasses for C types."""

from __future__ import annotations

import re

from governor._call import Call
from governor._errors import PolicyUnavailable
from governor._gate import governed_call
from governor._sql import read_sql

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Statement", "governed_factory", "governed_statement", "rebind_class", "server_url", "sql_call", "stand_in"]


class Statement(Call):
    """A call that runs SQL; its `arguments` are the text and the parameters.

    A driver below it passes with the same statement, or with this one's parameters written into the text. One that a listener put
    in its place is asked about.
    """

    __slots__ = ("reshaped",)
    reshaped: bool

    def covers(self, inner: Call) -> bool:
        if not isinstance(inner, Statement):
            return super().covers(inner)
        if self.reshaped:
            return self.action == inner.action and self.resource == inner.resource
        (text, values), (inner_text, inner_values) = self.arguments, inner.arguments
        if text == inner_text:
            return not inner_values or _same_values(values, inner_values)
        return not inner_values and _is_filled_in(text, inner_text)


def _same_values(one: Any, other: Any) -> bool:
    try:
        return bool(one is other or one == other or (not isinstance(one, dict) and list(one) == list(other)))
    except Exception:  # values that do not compare, such as arrays
        return False


_PLACEHOLDER = re.compile(r"%\(\w+\)s|%s|\?|(?<![:\w]):[A-Za-z_]\w*|\$\d+")


def _is_filled_in(text: str, filled: str) -> bool:
    """Whether `filled` is `text` with values in the place of its placeholders."""
    parts = [part.replace("%%", "%") for part in _PLACEHOLDER.split(text)]
    if len(parts) == 1:
        return parts[0] == filled
    if not filled.startswith(parts[0]) or not filled.endswith(parts[-1]):
        return False
    position, end = len(parts[0]), len(filled) - len(parts[-1])
    for part in parts[1:-1]:
        position = filled.find(part, position)
        if position < 0:
            return False
        position += len(part)
    return position <= end


def sql_call(
    qualified_name: str, destination: str, statement: Any, parameters: Any = None, *,
    database: str = "", data: dict[str, Any] | None = None, reshaped: bool = False,
) -> Call | None:  # fmt: skip
    """The call that runs `statement`; None where it only begins, ends or configures a transaction or session.

    `reshaped` says that layers below run it many times in a form of their own (batches of rows).
    """
    if isinstance(statement, (bytes, bytearray)):
        text = bytes(statement).decode("utf-8", "replace")
    elif isinstance(statement, str):
        text = statement
    else:
        text = str(statement)
    verb, action, tables = read_sql(text)
    if not action:
        return None
    resource = ("database", ",".join(tables)) if tables else ("database", database or "database")
    call = Statement(qualified_name, "database", action, resource, destination, verb, (text, parameters), data=data)
    call.reshaped = reshaped
    return call


class _Unasked:
    """Stands where a statement only opens, ends or configures a transaction: nobody is asked."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc_info: object) -> None:
        return None

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *exc_info: object) -> None:
        return None


_UNASKED = _Unasked()


def governed_statement(qualified_name: str, destination: str, statement: Any, parameters: Any = None) -> Any:
    """`with` or `async with` around the effect of one statement."""
    database = destination.rpartition("/")[2].partition("?")[0]
    call = sql_call(qualified_name, destination, statement, parameters, database=database)
    return _UNASKED if call is None else governed_call(call)


def server_url(scheme: str, host: Any, port: Any, database: Any = "") -> str:
    """Where a statement goes, from what a connection knows about itself."""

    def text(value: Any) -> str:
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")

    name = text(host)
    if ":" in name and not name.startswith("["):
        name = f"[{name}]"
    if name.startswith("/"):
        name = "localhost"
    return f"{scheme}://{name}{':' + text(port) if port else ''}/{text(database)}"


class _StandsFor(type):
    """Makes a governed subclass answer for its original in `isinstance` and `issubclass`."""

    def __instancecheck__(cls, instance: Any) -> bool:
        original = cls.__dict__.get("_governor_original")
        return isinstance(instance, original) if original is not None else super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        original = cls.__dict__.get("_governor_original")
        return issubclass(subclass, original) if original is not None else super().__subclasscheck__(subclass)


_made: dict[tuple[type, type], type] = {}


def stand_in(kind: type, gate: type) -> type:
    """A subclass of `kind` (a type that takes no patch) whose methods come from `gate` first."""
    if gate in kind.__mro__:
        return kind
    made = _made.get((kind, gate))
    if made is None:
        meta = type("_StandsFor", (_StandsFor, type(kind)), {}) if type(kind) is not type else _StandsFor
        body = {"__module__": kind.__module__, "__doc__": kind.__doc__, "_governor_original": kind}
        made = meta(kind.__name__, (gate, kind), body)
        made.__qualname__ = kind.__qualname__
        _made[kind, gate] = made
    return made


def governed_factory(factory: Any, gate: type, library: str) -> Callable[..., Any]:
    """`factory` so that what it makes asks; refuses at the first use what cannot be made to."""
    if isinstance(factory, type):
        return stand_in(factory, gate)

    def make(*args: Any, **kwargs: Any) -> Any:
        made = factory(*args, **kwargs)
        if not isinstance(made, gate):
            raise PolicyUnavailable(f"this {library} factory makes objects that cannot be governed: give a class instead")
        return made

    return make


def rebind_class(original: type, governed: type, patcher: Any) -> None:
    """Give modules that captured a C type by name (`from library import Type`) the governed one."""
    import gc
    import sys
    from types import ModuleType

    namespaces = {id(vars(module)): module for module in list(sys.modules.values()) if isinstance(module, ModuleType)}
    for holder in gc.get_referrers(original):
        module = namespaces.get(id(holder))
        if module is None or module.__name__.partition(".")[0] == "governor":
            continue
        for name, value in list(vars(module).items()):
            if value is original:
                patcher.replace(module, name, governed)
