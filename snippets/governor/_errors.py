"""What the client raises, and how a refusal reads to a person and to an agent.

    GovernorError (RuntimeError)
    ├── ConfigurationError      a setting is unknown, malformed or unsafe
    ├── PolicyDenied            the answer is no
    ├── PolicyHeld              a person has to decide first
    └── PolicyUnavailable       there is no valid answer, so the call does not happen

None of them is an `OSError`: libraries retry those, and a denial must not be retried.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ConfigurationError", "GovernorError", "PolicyDenied", "PolicyHeld", "PolicyUnavailable"]

NEXT_STEPS = {
    "policy_forbids": ["do not retry: a policy forbids this call", "ask the policy's owner, or choose another action"],
    "no_matching_policy": ["nothing permits this call: install a policy that does", "check the intent's action and resource"],
    "no_intent": ["wrap the call in `with governor.intent(...)` so that its purpose is known"],
    "scope_mismatch": ["the call does not match the surrounding intent: widen the intent, or move the call out of it"],
    "held_for_review": ["a person has to approve this call: ask for approval, then try again"],
    "host_denied": ["the host is in GOVERNOR_DENY_HOSTS: remove it there if the call is wanted"],
    "backstop_blocked": ["no gate saw this effect: use a library that the client intercepts, or call `governor.enforce` first"],
    "plane_unreachable": ["start the policy plane, or correct GOVERNOR_ENFORCE_URL", "run `python -m governor doctor`"],
    "plane_timeout": ["the policy plane is too slow: check it, or raise GOVERNOR_TIMEOUT_MS"],
    "plane_error": ["the policy plane failed: read its log for the request", "try again once it answers"],
    "circuit_open": ["the policy plane failed repeatedly: restore it, the client asks again after a pause"],
    "bad_response": ["GOVERNOR_ENFORCE_URL must name a policy plane: what answered there does not keep to its interface"],
    "unauthenticated": ["set GOVERNOR_API_KEY to a key that the policy plane accepts"],
    "token_invalid": ["GOVERNOR_DECISION_KEY and the plane's signing key differ, or the answer was altered on the way"],
    "token_expired": ["check the clocks of this host and of the policy plane"],
    "token_replayed": ["the same decision token came twice: something between client and plane repeats answers"],
    "missing_data_fields": ["the policy plane wants what the intent lacks: give it to `intent_from`, or to `configure_defaults`"],
    "rate_limited": ["slow down, then try again"],
}


class GovernorError(RuntimeError):
    """Base of everything that the client raises on its own account."""

    kind = "governor_error"

    def __init__(
        self,
        message: str,
        *,
        cause: str = "unknown",
        reason: str = "",
        request_id: str = "",
        intent: dict[str, Any] | None = None,
        call: dict[str, Any] | None = None,
        call_site: str = "",
        policy_ids: list[str] | None = None,
        hold_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.reason = reason
        self.request_id = request_id
        self.intent = intent or {}
        self.call = call or {}
        self.call_site = call_site
        self.policy_ids = policy_ids or []
        self.hold_id = hold_id

    @property
    def next_steps(self) -> list[str]:
        return list(NEXT_STEPS.get(self.cause, []))

    def to_dict(self) -> dict[str, Any]:
        """The refusal as an agent's tool result."""
        result: dict[str, Any] = {
            "type": self.kind,
            "message": self.message,
            "next_steps": self.next_steps,
            "request_id": self.request_id,
            "intent": self.intent,
            "call_site": self.call_site,
            "cause": self.cause,
        }
        for name in ("reason", "call", "policy_ids", "hold_id"):
            value = getattr(self, name)
            if value:
                result[name] = value
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, dict(self.__dict__)))


def _rebuild(kind: type[GovernorError], message: str, attributes: dict[str, Any]) -> GovernorError:
    error = kind(message)
    error.__dict__.update(attributes)
    return error


class ConfigurationError(GovernorError):
    """A setting that the client does not understand, or must not honour."""

    kind = "configuration_error"


class PolicyDenied(GovernorError):
    """The call did not happen: the answer was no."""

    kind = "policy_denied"


class PolicyHeld(GovernorError):
    """The call did not happen: it waits for a person's approval."""

    kind = "policy_held"


class PolicyUnavailable(GovernorError):
    """The call did not happen: no valid answer could be had."""

    kind = "policy_unavailable"
