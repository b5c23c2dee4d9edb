"""Intents: what a piece of code is about to do, said once for all the effects inside it.

A scope is bound to the context (thread, task) that entered it, and follows the work that this starts.
It authorises nothing by itself: an effect inside it is still decided, under the scope's intent if it
matches, under its own otherwise. A scope that has exited counts no more, wherever it was carried to.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar

from governor._errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType
    from typing import Any

    from governor._call import Call

__all__ = ["IntentEvent", "Scope", "carry", "current_scope", "intent", "intent_from"]

_CO_GENERATOR = 0x20
_CO_ASYNC_GENERATOR = 0x200

CANONICAL_ACTIONS = {
    "read": "read query get fetch select list view search lookup load download describe head scan find count retrieve",
    "write": "write create update insert upsert put post patch save modify set add append upload edit store merge charge refund",
    "delete": "delete remove drop destroy purge truncate erase unlink wipe clear",
    "execute": "execute run invoke call start exec trigger launch spawn",
    "send": "send publish emit notify email message dispatch enqueue produce mail post_message",
    "export": "export dump extract share transfer copy_out",
}
_ACTION_OF = {word: action for action, words in CANONICAL_ACTIONS.items() for word in words.split()}
# An HTTP request can only be told apart by its method: a POST may send or export as well as write.
_COMPATIBLE = {"write": ("write", "send", "export", "execute"), "read": ("read", "export"), "execute": ("execute", "send")}


class IntentEvent:
    """Who wants to do what to which resource; what a policy decides on."""

    __slots__ = ("action", "actor_id", "actor_type", "authn", "context", "data", "layer", "resource_name", "resource_type", "tenant_id", "_key")

    def __init__(
        self,
        action: str = "",
        resource_type: str = "",
        resource_name: str = "",
        *,
        actor_id: str = "",
        actor_type: str = "",
        tenant_id: str = "",
        data: Mapping[str, Any] | None = None,
        authn: str = "",
        layer: str = "",
        context: Mapping[str, Any] | None = None,
    ) -> None:
        self.action = action
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.actor_id = actor_id
        self.actor_type = actor_type
        self.tenant_id = tenant_id
        self.data = dict(data) if data else {}
        self.authn = authn
        self.layer = layer
        self.context = dict(context) if context else {}
        self._key: Any = None

    @property
    def key(self) -> Any:
        """Everything that a decision on this intent depends on, hashable; an event is not changed once it is in use."""
        if self._key is None:
            details = (repr(sorted(self.data.items(), key=str)), repr(sorted(self.context.items(), key=str))) if self.data or self.context else None
            self._key = (
                self.action, self.resource_type, self.resource_name, self.actor_id, self.actor_type, self.tenant_id, self.authn, self.layer, details,
            )  # fmt: skip
        return self._key

    def filled_from(self, other: IntentEvent) -> IntentEvent:
        """This event, with what it leaves open taken from `other`: who acts, on whose behalf, how sure."""
        if (self.actor_id and self.actor_type and self.tenant_id and self.authn and self.layer) or other is self:
            return self
        return IntentEvent(
            self.action,
            self.resource_type,
            self.resource_name,
            actor_id=self.actor_id or other.actor_id,
            actor_type=self.actor_type or other.actor_type,
            tenant_id=self.tenant_id or other.tenant_id,
            data=self.data,
            authn=self.authn or other.authn,
            layer=self.layer or other.layer,
            context={**other.context, **self.context} if other.context else self.context,
        )

    def to_dict(self) -> dict[str, Any]:
        result: dict[str, Any] = {
            "action": self.action,
            "actor": {"id": self.actor_id or "unknown", "type": self.actor_type or "service"},
            "resource": {"type": self.resource_type, "name": self.resource_name},
        }
        if self.data:
            result["data"] = self.data
        if self.layer:
            result["layer"] = self.layer
        return result

    def __repr__(self) -> str:
        return f"IntentEvent({self.action!r}, {self.resource_type!r}, {self.resource_name!r}, actor_id={self.actor_id!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IntentEvent) and self.key == other.key

    __hash__ = None  # type: ignore[assignment]


def intent_from(
    *,
    action: str,
    resource_type: str = "",
    resource_name: str = "",
    data: Mapping[str, Any] | None = None,
    actor_id: str = "",
    actor_type: str = "",
    tenant_id: str = "",
    authn: str = "",
    layer: str = "",
    context: Mapping[str, Any] | None = None,
) -> IntentEvent:
    """Build an intent; what is left open comes from the enclosing scope, then from `configure_defaults`."""
    if not isinstance(action, str) or not action.strip():
        raise ConfigurationError("an intent needs an `action`, such as `read` or `write`")
    return IntentEvent(
        action.strip(), resource_type, resource_name, actor_id=actor_id, actor_type=actor_type,
        tenant_id=tenant_id, data=data, authn=authn, layer=layer, context=context,
    )  # fmt: skip


def actor_context(**fields: Any) -> intent:
    """A scope that says who acts (`actor_id`, `tenant_id`, `layer`, …) and leaves open what for."""
    return intent(IntentEvent(**fields))


def canonical_action(action: str) -> str:
    return _ACTION_OF.get(action.strip().lower(), "")


class Scope:
    """One entered intent; `frame` is set where a generator entered it, which may be suspended meanwhile."""

    __slots__ = ("active", "event", "frame", "parent")

    def __init__(self, event: IntentEvent, parent: Scope | None, frame: FrameType | None) -> None:
        self.event = event
        self.parent = parent
        self.frame = frame
        self.active = True


_scope: ContextVar[Scope | None] = ContextVar("governor_scope", default=None)


def current_scope() -> Scope | None:
    """The innermost scope that still holds here."""
    scope = _scope.get()
    while scope is not None:
        if scope.active and (scope.frame is None or _is_running(scope.frame)):
            return scope
        scope = scope.parent
    return None


def _is_running(frame: FrameType) -> bool:
    candidate: FrameType | None = sys._getframe(2)
    while candidate is not None:
        if candidate is frame:
            return True
        candidate = candidate.f_back
    return False


class intent:
    """`with intent(event)` and `async with intent(event)`: the effects inside serve this intent."""

    __slots__ = ("_event", "_entered")

    def __init__(self, event: IntentEvent | None = None, **fields: Any) -> None:
        if event is None:
            event = intent_from(**fields)
        elif fields:
            raise ConfigurationError("give `intent` an event or fields, not both")
        if not isinstance(event, IntentEvent):
            raise ConfigurationError(f"`intent` takes an event from `intent_from`, not {type(event).__name__}")
        self._event = event
        self._entered: list[tuple[Scope, Any]] = []

    def __enter__(self) -> IntentEvent:
        return self._enter(sys._getframe(1))

    def __exit__(self, *exc_info: object) -> None:
        self._exit()

    async def __aenter__(self) -> IntentEvent:
        return self._enter(sys._getframe(1))

    async def __aexit__(self, *exc_info: object) -> None:
        self._exit()

    def _enter(self, frame: FrameType) -> IntentEvent:
        parent = current_scope()
        event = self._event if parent is None else self._event.filled_from(parent.event)
        scope = Scope(event, parent, _generator_frame(frame))
        self._entered.append((scope, _scope.set(scope)))
        return event

    def _exit(self) -> None:
        # One object may be entered by several threads and tasks at once: each leaves its own scope.
        current = _scope.get()
        index = next((index for index in reversed(range(len(self._entered))) if self._entered[index][0] is current), -1)
        scope, token = self._entered.pop(index)
        scope.active = False
        scope.frame = None
        try:
            _scope.reset(token)
        except ValueError:
            # Left in another context than it was entered in (a generator closed elsewhere): inactive is enough.
            pass


def _generator_frame(frame: FrameType) -> FrameType | None:
    if not frame.f_code.co_flags & (_CO_GENERATOR | _CO_ASYNC_GENERATOR):
        return None
    caller = frame.f_back
    if caller is not None and caller.f_globals.get("__name__") == "contextlib":
        return None
    return frame


class resumed:
    """Runs a stretch of code in a scope that was entered elsewhere: a generator's step, a thread's body."""

    __slots__ = ("_scope", "_token")

    def __init__(self, scope: Scope | None) -> None:
        self._scope = scope
        self._token: Any = None

    def __enter__(self) -> None:
        self._token = _scope.set(self._scope)

    def __exit__(self, *exc_info: object) -> None:
        _scope.reset(self._token)


def resume_for_good(scope: Scope | None) -> None:
    """Continue in `scope` for the rest of this context, that of a new thread."""
    _scope.set(scope)


def carry(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, running in the scope that holds here and now, whichever thread it is called in.

    Only the scope is carried, not the whole context, and only for as long as it has not exited.
    """
    scope = current_scope()
    if scope is None:
        return function

    def carried(*args: Any, **kwargs: Any) -> Any:
        with resumed(scope):
            return function(*args, **kwargs)

    return carried


def matches(event: IntentEvent, call: Call, resource: tuple[str, str]) -> bool:
    """Whether a call is what the intent says: a compatible action on the intent's resource."""
    intended = canonical_action(event.action)
    if intended and intended not in _COMPATIBLE.get(call.action, (call.action,)):
        return False
    name, kind = event.resource_name.lower(), event.resource_type.lower()
    actual_kind, actual_name = resource[0].lower(), resource[1].lower()
    if not name or name == "*":
        return not kind or kind in (actual_kind, call.category, "*") or (kind == "table" and call.category == "database")
    if name in (actual_name, call.host) or name == call.destination.lower():
        return True
    if any(mark in name for mark in "*?"):
        from fnmatch import fnmatchcase

        return any(fnmatchcase(value, name) for value in (actual_name, call.host, call.destination.lower()) if value)
    if call.category != "database":
        return False
    # A statement may touch several tables: the intent has to name them all, with or without their schema.
    named = {part.strip() for part in name.split(",")}
    return all(part in named or part.rpartition(".")[2] in named for part in actual_name.split(","))
