"""What is asked about a call: whose intent it serves, which resource it touches, under which key the answer may be reused."""

from __future__ import annotations

from governor._resource import data_of, resource_of
from governor._scope import IntentEvent, current_scope, matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from governor._call import Call
    from governor._config import Settings
    from governor._redact import Redactor

__all__ = ["Question", "Questions"]


class Question:
    """What is asked about one call, and under which key its answer may be reused."""

    __slots__ = ("call", "event", "key", "scope_mismatch")

    def __init__(self, event: IntentEvent, call: Call | None, scope_mismatch: IntentEvent | None) -> None:
        self.event = event
        self.call = call
        self.scope_mismatch = scope_mismatch
        self.key: Any = None
        if call is None:
            self.key = event.key
        else:
            identity = call.identity
            if identity is not None:
                self.key = (event.key, call.qualified_name, call.action, call.method, call.destination, identity)


class Questions:
    """Makes questions of calls, by the settings, the process's defaults and the scope that holds."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._defaults = IntentEvent(
            actor_id=settings.actor_id, actor_type=settings.actor_type, tenant_id=settings.tenant_id,
            authn=settings.authn, layer=settings.layer,
        )  # fmt: skip
        self._events: dict[Any, IntentEvent] = {}
        self._redactor: Redactor | None = None

    @property
    def defaults(self) -> IntentEvent:
        return self._defaults

    @defaults.setter
    def defaults(self, event: IntentEvent) -> None:
        self._defaults = event
        self._events.clear()

    @property
    def redactor(self) -> Redactor:
        if self._redactor is None:
            from governor._redact import Redactor

            self._redactor = Redactor(self.settings.redact_fields)
        return self._redactor

    def of(self, call: Call) -> Question:
        scope = current_scope()
        if scope is None and not call.data and not self.settings.destinations:
            return Question(self._unscoped(call), call, None)
        resource = resource_of(call, self.settings)
        mismatch = None
        if scope is not None and scope.event.action:
            if matches(scope.event, call, resource):
                event = scope.event
                if not (event.resource_type and event.resource_name):
                    event = self._derived(call, resource, event, event.action)
                return Question(self._completed(event, call), call, None)
            mismatch = scope.event
        return Question(self._completed(self._derived(call, resource, scope.event if scope else None, call.action), call), call, mismatch)

    def _unscoped(self, call: Call) -> IntentEvent:
        """The derived intent of a call outside all scopes, which depends on little of it and is made once."""
        known_as = (call.category, call.action, call.resource or (call.host or call.destination))
        event = self._events.get(known_as)
        if event is None:
            event = self._derived(call, resource_of(call, self.settings), None, call.action).filled_from(self.defaults)
            if len(self._events) >= 1024:
                self._events.clear()
            self._events[known_as] = event
        return event

    def _derived(self, call: Call, resource: tuple[str, str], scope_event: IntentEvent | None, action: str) -> IntentEvent:
        masked = self.redactor.text(resource[1]) if "://" in resource[1] or "=" in resource[1] or " " in resource[1] else resource[1]
        event = IntentEvent(action, resource[0], masked)
        return event if scope_event is None else event.filled_from(scope_event)

    def _completed(self, event: IntentEvent, call: Call | None) -> IntentEvent:
        event = event.filled_from(self.defaults)
        if call is not None and (call.data or self.settings.destinations):
            found = data_of(call, self.settings)
            if any(event.data.get(name) != value for name, value in found.items()):
                event = event.filled_from(IntentEvent())
                event = IntentEvent(
                    event.action, event.resource_type, event.resource_name, actor_id=event.actor_id, actor_type=event.actor_type,
                    tenant_id=event.tenant_id, data={**found, **event.data}, authn=event.authn, layer=event.layer, context=event.context,
                )  # fmt: skip
        return event
