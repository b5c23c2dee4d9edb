"""The enforce interface, free of I/O: the body that is sent, and what counts as an answer.

Anything but a complete, well-typed answer with one of the three decisions is no answer.
"""

from __future__ import annotations

from governor._clock import now as wall_clock
from governor._errors import GovernorError, PolicyDenied, PolicyHeld, PolicyUnavailable
from governor._token import ReplayMemory, TokenError, Verifier, arguments_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from governor._call import Call
    from governor._scope import IntentEvent

__all__ = ["Decision", "enforce_body", "read_answer", "refusal"]

PATH = "/api/v2/enforce"
_STATUS_CAUSES = {401: "unauthenticated", 403: "unauthenticated", 422: "missing_data_fields", 429: "rate_limited"}


class Decision:
    """An answer: `decision` is ALLOW, DENY or HOLD; `would_block` marks what observe mode let through."""

    __slots__ = ("cached", "decision", "expires", "hold_id", "latency_ms", "policy_ids", "reason", "request_id", "trace", "would_block")

    def __init__(
        self,
        decision: str,
        request_id: str = "",
        reason: str = "",
        *,
        policy_ids: list[str] | None = None,
        trace: list[Any] | None = None,
        hold_id: str = "",
        expires: float = 0.0,
        latency_ms: float = 0.0,
        cached: bool = False,
        would_block: bool = False,
    ) -> None:
        self.decision = decision
        self.request_id = request_id
        self.reason = reason
        self.policy_ids = policy_ids
        self.trace = trace or []
        self.hold_id = hold_id
        self.expires = expires
        self.latency_ms = latency_ms
        self.cached = cached
        self.would_block = would_block

    @property
    def allowed(self) -> bool:
        return self.decision == "ALLOW"

    def as_cached(self) -> Decision:
        """The same decision, for calls that reuse it: it cost them no time."""
        return Decision(
            self.decision, self.request_id, self.reason, policy_ids=self.policy_ids, trace=self.trace,
            hold_id=self.hold_id, expires=self.expires, cached=True,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        result: dict[str, Any] = {"decision": self.decision, "request_id": self.request_id, "cached": self.cached}
        for name in ("reason", "policy_ids", "hold_id", "would_block"):
            if getattr(self, name):
                result[name] = getattr(self, name)
        return result

    def __repr__(self) -> str:
        return f"Decision({self.decision!r}, request_id={self.request_id!r})"


def enforce_body(event: IntentEvent, call: Call | None, destination: str) -> dict[str, Any]:
    """The request's body. `destination` is the call's, already masked."""
    data: dict[str, Any] = {"sensitivity": [], "pii": False, "volume": "single"}
    data.update(event.data)
    body: dict[str, Any] = {
        "action": event.action,
        "actor": {"id": event.actor_id or "unknown", "type": event.actor_type or "service"},
        "resource": {"type": event.resource_type or "unknown", "name": event.resource_name or "unknown"},
        "data": data,
        "risk": {"authn": event.authn or "required"},
    }
    if event.layer:
        body["layer"] = event.layer
    context: dict[str, Any] = dict(event.context)
    if call is not None:
        context["call"] = {
            "qualified_name": call.qualified_name,
            "category": call.category,
            "action": call.action,
            "destination": destination,
            "method": call.method,
            "arguments": call.digest,
        }
    if context:
        body["context"] = context
    return body


def read_answer(
    status: int,
    raw: bytes,
    body: dict[str, Any],
    *,
    verifier: Verifier | None,
    memory: ReplayMemory,
    now: float | None = None,
) -> Decision:
    """The plane's decision, or the error that stands for its absence."""
    now = wall_clock() if now is None else now
    if status != 200:
        raise _refused_by_status(status, raw)
    answer = _object(raw)
    decision, metadata = answer.get("decision"), answer.get("metadata")
    if decision not in ("ALLOW", "DENY", "HOLD") or not isinstance(decision, str):
        raise _bad(f"`decision` is {_shown(decision)}, not ALLOW, DENY or HOLD")
    if not isinstance(metadata, dict):
        raise _bad("`metadata` is not an object")
    request_id = metadata.get("request_id")
    if not isinstance(request_id, str) or not request_id:
        raise _bad("`metadata.request_id` is not a string")
    for name, kind in (("reason", str), ("policy_ids", list), ("hold_id", str), ("canonicalization_trace", list)):
        if metadata.get(name) is not None and not isinstance(metadata[name], kind):
            raise _bad(f"`metadata.{name}` has the wrong type")
    expires = _expiry(metadata.get("expires_at"))
    if expires and expires <= now and decision == "ALLOW":
        raise _denied("token_expired", f"the answer expired {now - expires:.0f} s before it came", request_id)
    if verifier is not None and decision == "ALLOW":
        args = arguments_digest(body)
        try:
            token_expires = verifier.check(
                metadata.get("decision_token"), request_id=request_id, decision=decision, args=args, now=now, memory=memory
            )
        except TokenError as error:
            raise _denied(error.cause, error.reason, request_id) from None
        expires = min(expires, token_expires) if expires else token_expires
    return Decision(
        decision,
        request_id,
        metadata.get("reason") or "",
        policy_ids=[str(policy) for policy in metadata["policy_ids"]] if metadata.get("policy_ids") is not None else None,
        trace=metadata.get("canonicalization_trace"),
        hold_id=metadata.get("hold_id") or "",
        expires=expires,
    )


def refusal(decision: Decision) -> GovernorError | None:
    """What an answer other than ALLOW raises."""
    if decision.decision == "ALLOW":
        return None
    if decision.decision == "HOLD":
        return PolicyHeld(
            "the call waits for approval", cause="held_for_review", reason=decision.reason, request_id=decision.request_id,
            policy_ids=decision.policy_ids, hold_id=decision.hold_id,
        )  # fmt: skip
    return PolicyDenied(
        "the policy plane denied the call", cause="no_matching_policy" if decision.policy_ids == [] else "policy_forbids",
        reason=decision.reason, request_id=decision.request_id, policy_ids=decision.policy_ids,
    )  # fmt: skip


def _object(raw: bytes) -> dict[str, Any]:
    import json

    try:
        answer = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _bad("the body is not JSON, or names a field twice") from None
    if not isinstance(answer, dict):
        raise _bad("the body is not a JSON object")
    return answer


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate field")
    return result


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _expiry(text: Any) -> float:
    if text is None:
        return 0.0
    if isinstance(text, str):
        from datetime import datetime

        try:
            moment = datetime.fromisoformat(_for_old_pythons(text))
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is not None:
            return moment.timestamp()
    raise _bad(f"`metadata.expires_at` is {_shown(text)}, not ISO 8601 with a time zone")


def _for_old_pythons(text: str) -> str:
    # Before 3.11 `fromisoformat` knew neither `Z` nor fractions of other than 3 or 6 digits.
    import re

    match = re.fullmatch(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?(Z|z|[+-]\d\d:?\d\d)?", text)
    if match is None:
        raise ValueError(text)
    head, fraction, zone = match.groups()
    zone = "+00:00" if zone in ("Z", "z") else zone or ""
    if zone and ":" not in zone:
        zone = zone[:3] + ":" + zone[3:]
    return head + (f".{(fraction + '000000')[:6]}" if fraction else "") + zone


def _refused_by_status(status: int, raw: bytes) -> GovernorError:
    import json

    detail = ""
    try:
        answer = json.loads(raw.decode("utf-8"))
        if isinstance(answer, dict) and isinstance(answer.get("detail"), (str, list)):
            detail = f": {_shown(answer['detail'])}"
    except (ValueError, RecursionError):
        detail = ""
    cause = _STATUS_CAUSES.get(status, "plane_error" if status >= 500 else "bad_response")
    return PolicyUnavailable(f"the policy plane answered {status}{detail}", cause=cause, reason=f"status {status}{detail}")


def _bad(reason: str) -> PolicyUnavailable:
    return PolicyUnavailable(f"the policy plane's answer is not valid: {reason}", cause="bad_response", reason=reason)


def _denied(cause: str, reason: str, request_id: str) -> PolicyDenied:
    return PolicyDenied(f"the ALLOW does not hold: {reason}", cause=cause, reason=reason, request_id=request_id)


def _shown(value: Any) -> str:
    import json

    text = json.dumps(value, default=str) if not isinstance(value, str) else f"`{value}`"
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= 120 else text[:117] + "..."
