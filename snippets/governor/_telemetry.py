"""OpenTelemetry, where the application has it already: a span event and a counter for each decision.

Label values come from small sets (decision, cause, category, action, cached), so that no metric grows with the traffic. Nothing is
imported for it: without `opentelemetry` in the process this does nothing.
"""

from __future__ import annotations

import sys

from governor._config import CATEGORIES
from governor._errors import NEXT_STEPS
from governor._scope import canonical_action

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from governor._errors import GovernorError
    from governor._question import Question
    from governor._wire import Decision

__all__ = ["observe"]

_instruments: dict[int, tuple[Any, Any]] = {}


def observe(question: Question, decision: Decision | None, error: GovernorError | None) -> None:
    trace, metrics = sys.modules.get("opentelemetry.trace"), sys.modules.get("opentelemetry.metrics")
    span = trace.get_current_span() if trace is not None else None
    recording = span is not None and span.is_recording()
    # A proxy provider means that nobody has set one: its instruments go nowhere.
    measuring = metrics is not None and "Proxy" not in type(metrics.get_meter_provider()).__name__
    if not recording and not measuring:
        return
    attributes = _attributes(question, decision, error)
    if recording and span is not None:
        request_id = decision.request_id if decision is not None else error.request_id if error is not None else ""
        span.add_event("governor.decision", {**attributes, "governor.request_id": request_id})
    if measuring:
        counter, latency = _instruments_of(metrics)
        counter.add(1, attributes)
        if decision is not None and not decision.cached:
            latency.record(decision.latency_ms, {"governor.decision": attributes["governor.decision"]})


def _attributes(question: Question, decision: Decision | None, error: GovernorError | None) -> dict[str, Any]:
    call = question.call
    return {
        "governor.decision": decision.decision if decision is not None else "UNAVAILABLE",
        "governor.cause": error.cause if error is not None and error.cause in NEXT_STEPS else "none" if error is None else "unknown",
        "governor.category": call.category if call is not None and call.category in CATEGORIES else "explicit" if call is None else "other",
        "governor.action": canonical_action(question.event.action) or "other",
        "governor.cached": decision is not None and decision.cached,
    }


def _instruments_of(metrics: Any) -> tuple[Any, Any]:
    provider = metrics.get_meter_provider()
    found = _instruments.get(id(provider))
    if found is None:
        meter = metrics.get_meter("governor")
        found = (
            meter.create_counter("governor.decisions", description="decisions by the enforce client"),
            meter.create_histogram("governor.decision.latency", unit="ms", description="time to ask the policy plane"),
        )
        _instruments.clear()
        _instruments[id(provider)] = found
    return found
