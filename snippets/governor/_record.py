"""What is told about a decision: the exception's words, and the audit log's line."""

from __future__ import annotations

import time

from governor._clock import now as wall_clock
from governor._errors import GovernorError
from governor._scope import current_scope
from governor._site import call_site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from governor._errors import PolicyDenied
    from governor._gate import Gate
    from governor._question import Question
    from governor._wire import Decision

__all__ = ["call_site", "describe", "line_of", "logger", "witness"]


def describe(error: GovernorError, question: Question, gate: Gate) -> None:
    """Complete a refusal: what was refused, where, by which policy, what to do, under which request id."""
    path, line, _function = call_site()
    event, call = question.event, question.call
    error.intent = gate.questions.redactor.value(event.to_dict())
    error.call_site = f"{path}:{line}" if path else ""
    what = f"{event.action} {event.resource_type} `{event.resource_name}`"
    if call is not None:
        error.call = call_of(question, gate)
        what += f" through {call.qualified_name}"
    parts = [f"{error.message} [{what}]"]
    if error.call_site:
        parts.append(f"at {error.call_site}")
    if error.policy_ids:
        parts.append("by policy " + ", ".join(error.policy_ids))
    if error.reason and error.reason not in error.message:
        parts.append(f"because {gate.questions.redactor.text(error.reason)}")
    if error.request_id:
        parts.append(f"request id {error.request_id}")
    if error.next_steps:
        parts.append(f"next: {error.next_steps[0]}")
    error.message = "".join(character if character.isprintable() else " " for character in "; ".join(parts))
    error.args = (error.message,)


def call_of(question: Question, gate: Gate) -> dict[str, Any]:
    call = question.call
    if call is None:
        return {}
    return {"qualified_name": call.qualified_name, "destination": gate.questions.redactor.text(call.destination), "method": call.method}


def line_of(
    question: Question,
    outcome: Decision | GovernorError,
    error: GovernorError | None,
    gate: Gate,
    *,
    would_block: bool,
    failed_open: bool,
) -> dict[str, Any]:
    """One audit line, without the chain."""
    path, number, function = call_site()
    refused = isinstance(outcome, GovernorError)
    decision = outcome.decision if not isinstance(outcome, GovernorError) else ("DENY" if outcome.kind == "policy_denied" else "UNAVAILABLE")
    line: dict[str, Any] = {
        "ts": timestamp(),
        "request_id": outcome.request_id,
        "decision": decision,
        "reason": gate.questions.redactor.text(outcome.reason),
        "intent": gate.questions.redactor.event(question.event),
        "call": call_of(question, gate),
        "site": {"path": path, "line": number, "function": function},
        "cached": not isinstance(outcome, GovernorError) and outcome.cached,
        "latency_ms": 0.0 if isinstance(outcome, GovernorError) else round(outcome.latency_ms, 3),
    }
    if question.call is not None:
        scope = current_scope()
        line["scoped"] = scope is not None and bool(scope.event.action or scope.event.resource_type)
    if error is not None:
        line["cause"] = error.cause
    if not refused and not isinstance(outcome, GovernorError) and outcome.policy_ids:
        line["policy_ids"] = outcome.policy_ids
    if would_block:
        line["would_block"] = True
    if failed_open:
        line["failed_open"] = True
    return line


def witness(gate: Gate, question: Question, error: PolicyDenied, *, stopped: bool) -> None:
    """Record an effect, or what can cause one, that came past every patch; raise if it is to be stopped."""
    describe(error, question, gate)
    if gate.audit is not None:
        line = line_of(question, error, error, gate, would_block=False, failed_open=False)
        line["decision"] = "DENY" if stopped else "UNGOVERNED"
        line["backstop"] = True
        gate.audit.write(line)
    if stopped:
        raise error
    logger().warning("ungoverned effect: %s", error.message)


_second: tuple[int, str] = (0, "")


def timestamp() -> str:
    global _second
    now = wall_clock()
    whole = int(now)
    second, text = _second
    if second != whole:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
        _second = (whole, text)
    return f"{text}.{int(now * 1e6) % 1_000_000:06d}Z"


def logger() -> Any:
    """The client's logger: silent until the application configures logging, which is not the client's to do."""
    import logging

    found = logging.getLogger("governor")
    if not found.handlers:
        found.addHandler(logging.NullHandler())
    return found
