"""Celery: the intent that holds where a task is sent holds where it runs.

    from governor.integrations.celery import connect
    connect()            # once, in the module that makes the Celery app; workers need it as well

The intent travels in a message header. It is taken for what it says: whoever may write to the broker may claim an intent,
as he may send any task. The policy plane still decides each effect of the task.
"""

from __future__ import annotations

from governor._scope import IntentEvent, current_scope, intent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["connect", "disconnect"]

HEADER = "governor_intent"
_FIELDS = ("action", "resource_type", "resource_name", "actor_id", "actor_type", "tenant_id", "authn", "layer")
_entered: dict[str, intent] = {}


def connect() -> None:
    from celery import signals

    signals.before_task_publish.connect(_attach, weak=False, dispatch_uid="governor-publish")
    signals.task_prerun.connect(_enter, weak=False, dispatch_uid="governor-prerun")
    signals.task_postrun.connect(_leave, weak=False, dispatch_uid="governor-postrun")


def disconnect() -> None:
    from celery import signals

    signals.before_task_publish.disconnect(dispatch_uid="governor-publish")
    signals.task_prerun.disconnect(dispatch_uid="governor-prerun")
    signals.task_postrun.disconnect(dispatch_uid="governor-postrun")


def _attach(headers: Any = None, **kwargs: Any) -> None:
    scope = current_scope()
    if scope is not None and isinstance(headers, dict):
        event = scope.event
        headers[HEADER] = {**{name: getattr(event, name) for name in _FIELDS}, "data": event.data}


def _enter(task_id: str = "", task: Any = None, **kwargs: Any) -> None:
    request = task.request
    carried = (request.get("headers") or {}).get(HEADER) if hasattr(request, "get") else None
    carried = carried or getattr(request, HEADER, None)
    if not isinstance(carried, dict):
        return
    fields = {name: carried[name] for name in _FIELDS if isinstance(carried.get(name), str)}
    data = carried.get("data")
    scope = intent(IntentEvent(**fields, data=data if isinstance(data, dict) else None))
    scope.__enter__()
    _entered[task_id] = scope


def _leave(task_id: str = "", **kwargs: Any) -> None:
    scope = _entered.pop(task_id, None)
    if scope is not None:
        scope.__exit__()
