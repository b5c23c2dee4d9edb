"""Which calls pass unasked: those that are part of a call that was decided and still runs in this context.

The outermost governed call marks the context; layers below it find the mark. Work that outlives the call carries a mark that
is no longer active.
"""

from __future__ import annotations

from contextvars import ContextVar

from governor._scope import carry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from governor._call import Call

__all__ = ["authority_of_call", "carry_call", "connecting", "covered", "covers_request", "end_authority", "is_connecting", "is_passing", "is_step_of", "passing"]

EVERYTHING = "*"
CONNECTING = "connecting"


class Authority:
    """The call that was decided and runs now; work that outlives it finds it inactive."""

    __slots__ = ("active", "call", "outer")

    def __init__(self, call: Call | None, outer: Authority | None) -> None:
        self.active = True
        self.call = call
        self.outer = outer


_authority: ContextVar[Authority | None] = ContextVar("governor_authority", default=None)
_passing: ContextVar[passing | None] = ContextVar("governor_passing", default=None)


def authority_of_call(call: Call | None) -> tuple[Authority, Any]:
    """Mark the context: `call` was decided and runs from now on; None for one that covers nothing below it. The token ends it."""
    authority = Authority(call, _authority.get())
    return authority, _authority.set(authority)


def end_authority(authority: Authority, token: Any) -> None:
    authority.active = False
    try:
        _authority.reset(token)
    except ValueError:
        # Left in another context than it was entered in: being inactive is enough.
        pass


def covered(call: Call) -> bool:
    """Whether a call that was decided, and that still runs in this context, includes this one."""
    step = _passing.get()
    if step is not None and step.active and step.lets_through(call):
        return True
    authority = _authority.get()
    while authority is not None:
        if authority.active and authority.call is not None and authority.call.covers(call):
            return True
        authority = authority.outer
    return False


def covers_request(method: str, url: str, body: Any, fields: tuple[tuple[str, str], ...] = ()) -> bool:
    """Whether this very HTTP request was decided in a layer above and runs now; a quick look before a `Call` is made."""
    authority = _authority.get()
    if authority is None or not authority.active:
        return False
    call = authority.call
    return call is not None and call.method == method and call.destination == url and call.category == "http" and call.sends(body, fields)


def is_passing() -> bool:
    """Whether anything decided, or the client itself, is at work here; for the backstop."""
    step = _passing.get()
    if step is not None and step.active:
        return True
    authority = _authority.get()
    while authority is not None:
        if authority.active:
            return True
        authority = authority.outer
    return False


def is_step_of(category: str) -> bool:
    """Whether a library's step of this category runs here, in which every call of it passes; a quick look before a `Call` is made."""
    step = _passing.get()
    return step is not None and step.active and step.category == category and not step.action


class passing:
    """`with passing("database"):` around a step that belongs to a governed library and is no effect of its own.

    With an action (`passing("database", "read")`) only calls of that action pass.
    """

    __slots__ = ("_token", "action", "active", "category")

    def __init__(self, category: str, action: str = "") -> None:
        self.category = category
        self.action = action
        self.active = False
        self._token: Any = None

    def lets_through(self, call: Call) -> bool:
        return self.category == EVERYTHING or (self.category == call.category and self.action in ("", call.action))

    def __enter__(self) -> None:
        self.active = True
        self._token = _passing.set(self)

    def __exit__(self, *exc_info: object) -> None:
        self.active = False
        _passing.reset(self._token)


def connecting() -> passing:
    """`with connecting():` around a library's opening of a connection: the backstop need not know, but no call passes by it."""
    return passing(CONNECTING)


def is_connecting() -> bool:
    step = _passing.get()
    return step is not None and step.active and step.category == CONNECTING


def carry_call(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` for another thread, as a part of the call that is decided here, and in the scope that holds here."""
    authority, step = _authority.get(), _passing.get()
    function = carry(function)
    if authority is None and step is None:
        return function

    def carried(*args: Any, **kwargs: Any) -> Any:
        token, step_token = _authority.set(authority), _passing.set(step)
        try:
            return function(*args, **kwargs)
        finally:
            _passing.reset(step_token)
            _authority.reset(token)

    return carried
