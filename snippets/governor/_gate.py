"""The one gate. Every patch, scope, decorator, primitive and middleware ends here.

The decision is free of I/O: what is asked (`Question`), what can be answered at once (hosts, bypass, cache,
an open circuit), what an answer means. Two thin callers put the I/O around it: `admit` blocks the thread that
calls, `aadmit` asks in a thread of its own and lets the event loop run.
"""

from __future__ import annotations

import os
import sys
import time
from _thread import RLock

from governor._authority import (
    EVERYTHING,
    Authority,
    authority_of_call,
    carry_call,
    connecting,
    covered,
    covers_request,
    end_authority,
    is_passing,
    passing,
)
from governor._breaker import CircuitBreaker
from governor._cache import DecisionCache
from governor._call import Call
from governor._clock import steady
from governor._config import Settings, load_settings
from governor._errors import GovernorError, PolicyDenied, PolicyUnavailable
from governor._host_list import host_listed
from governor._loop import in_thread
from governor._plane import Plane
from governor._question import Question, Questions
from governor._token import ReplayMemory, Verifier
from governor._wire import PATH, Decision, enforce_body, read_answer, refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from governor._audit import AuditLog

__all__ = ["Gate", "carry_call", "connecting", "covers_request", "current_gate", "governed_call", "is_passing", "passing"]

# Causes where the plane did say something, so that `GOVERNOR_FAIL_MODE=open` does not apply.
_ANSWERED = ("unauthenticated", "missing_data_fields", "rate_limited")


# Such an ALLOW is for the host: what a layer below sends to another one is not part of it.
_BY_HOST = "GOVERNOR_ALLOW_HOSTS"


class Gate:
    """Settings, and everything that lives as long as they do."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.enabled = False
        self.cache = DecisionCache(settings.cache_ttl_ms, max(1, int(settings.cache_size)))
        self.breaker = CircuitBreaker(max(1, int(settings.breaker_failures)), settings.breaker_pause_ms)
        self.plane = Plane(settings.enforce_url.rstrip("/"), settings.api_key, settings.timeout_ms) if settings.enforce_url else None
        self.verifier = Verifier(settings.decision_key) if settings.decision_key else None
        self.replay = ReplayMemory()
        self.questions = Questions(settings)
        self.question = self.questions.of
        self.observers: list[Callable[[Question, Decision | None, GovernorError | None], None]] = []
        self._audit: AuditLog | None = None

    @property
    def audit(self) -> AuditLog | None:
        if self._audit is None and self.settings.audit_log:
            from governor._audit import AuditLog

            self._audit = AuditLog(self.settings.audit_log, self.settings.audit_max_bytes, int(self.settings.audit_backups))
        return self._audit

    def after_fork(self) -> None:
        """In the child: no lock, socket or file position of the parent's may be used."""
        self.cache.reset()
        self.breaker.reset()
        self.replay.renew_lock()
        if self.plane is not None:
            self.plane.forget_connections()
        if self._audit is not None:
            self._audit.after_fork()

    def close(self) -> None:
        if self.plane is not None:
            self.plane.close()
        if self._audit is not None:
            self._audit.close()

    # What can be answered at once

    def denies_host(self, call: Call) -> bool:
        return bool(self.settings.deny_hosts and call.host and host_listed(call, self.settings.deny_hosts))

    def answer_at_once(self, question: Question) -> Decision | GovernorError | None:
        call, settings = question.call, self.settings
        if call is not None and (settings.deny_hosts or settings.allow_hosts) and call.host:
            if host_listed(call, settings.deny_hosts):
                return PolicyDenied(f"the host `{call.host}` is denied here", cause="host_denied", reason="GOVERNOR_DENY_HOSTS")
            if host_listed(call, settings.allow_hosts):
                return Decision("ALLOW", "", _BY_HOST)
        if settings.dev_bypass:
            return Decision("ALLOW", "", "GOVERNOR_DEV_BYPASS")
        if question.scope_mismatch is not None and settings.strict:
            wanted = question.scope_mismatch
            return PolicyDenied(
                f"the call does not match the surrounding intent ({wanted.action} {wanted.resource_type} {wanted.resource_name})",
                cause="scope_mismatch", reason="strict",
            )  # fmt: skip
        return self.cache.get(question.key) if question.key is not None else None

    # What the plane says (blocking)

    def ask(self, question: Question) -> Decision:
        if question.key is None:
            return self._ask_plane(question)
        return self.cache.ask_once(question.key, lambda: self._ask_plane(question), self.settings.timeout_ms / 1000 + 1)

    def _ask_plane(self, question: Question) -> Decision:
        with passing(EVERYTHING):
            return self._ask_or_wait(question)

    def _ask_or_wait(self, question: Question) -> Decision:
        call = question.call
        body = enforce_body(question.event, call, self.questions.redactor.text(call.destination) if call is not None else "")
        decision = self._exchange(body)
        until = steady() + self.settings.hold_wait_ms / 1000
        while decision.decision == "HOLD" and steady() < until:
            time.sleep(min(0.25, max(0.01, until - steady())))
            body = {**body, "context": {**body.get("context", {}), "hold_id": decision.hold_id or decision.request_id}}
            decision = self._exchange(body)
        return decision

    def _exchange(self, body: dict[str, Any]) -> Decision:
        if self.plane is None:
            raise PolicyUnavailable(
                "no policy plane is configured: set GOVERNOR_ENFORCE_URL", cause="plane_unreachable", reason="GOVERNOR_ENFORCE_URL is not set"
            )
        if not self.breaker.may_ask():
            raise PolicyUnavailable(
                f"the policy plane at {self.plane.url} failed repeatedly and is not asked for a while",
                cause="circuit_open", reason="circuit breaker open",
            )  # fmt: skip
        started = steady()
        failed = True
        try:
            status, raw = self.plane.post(PATH, body)
            decision = read_answer(status, raw, body, verifier=self.verifier, memory=self.replay)
            failed = False
        except PolicyUnavailable as error:
            failed = error.cause not in _ANSWERED
            raise
        except PolicyDenied:
            failed = False
            raise
        except Exception as error:
            raise PolicyUnavailable(
                f"asking the policy plane failed: {type(error).__name__}: {error}", cause="bad_response", reason=type(error).__name__
            ) from error
        finally:
            if failed:
                self.breaker.failed()
            else:
                self.breaker.answered()
        decision.latency_ms = (steady() - started) * 1000
        return decision

    # What it means

    def conclude(self, question: Question, outcome: Decision | GovernorError) -> Decision:
        """Record the outcome; return the decision under which the call may happen, or raise."""
        error = outcome if isinstance(outcome, GovernorError) else refusal(outcome)
        if error is None and self._audit is None and not self.settings.audit_log and not self.observers:
            assert isinstance(outcome, Decision)
            if "opentelemetry.sdk" in sys.modules and self.settings.telemetry:
                self._tell(question, outcome, None)
            return outcome
        return self._record(question, outcome, error)

    def _record(self, question: Question, outcome: Decision | GovernorError, error: GovernorError | None) -> Decision:
        from governor._record import describe, line_of

        settings = self.settings
        observed = error is not None and settings.mode == "observe"
        opened = (
            isinstance(error, PolicyUnavailable) and settings.fail_mode == "open" and error.cause not in _ANSWERED and not observed
        )
        if error is not None:
            describe(error, question, self)
        audit = self.audit
        if audit is not None:
            try:
                audit.write(line_of(question, outcome, error, self, would_block=observed, failed_open=opened))
            except OSError as failure:
                # What cannot be recorded does not happen; an OSError of ours would be retried by libraries.
                if error is None and settings.mode == "enforce":
                    error = PolicyUnavailable(f"the audit log cannot be written: {failure}", reason=str(failure))
                    describe(error, question, self)
                    opened = False
        if "opentelemetry.sdk" in sys.modules and settings.telemetry:
            self._tell(question, outcome if isinstance(outcome, Decision) else None, error)
        for observer in self.observers:
            observer(question, outcome if isinstance(outcome, Decision) else None, error)
        if error is None:
            assert isinstance(outcome, Decision)
            return outcome
        if not (observed or opened):
            raise error.with_traceback(None) from None
        from governor._record import logger

        logger().warning("%s: %s", "would block" if observed else "let through by GOVERNOR_FAIL_MODE=open", error.message)
        if isinstance(outcome, Decision):
            outcome.would_block = observed
            return outcome
        return Decision("ALLOW" if opened else "DENY", error.request_id, error.cause, would_block=observed)

    def _tell(self, question: Question, decision: Decision | None, error: GovernorError | None) -> None:
        from governor._telemetry import observe

        observe(question, decision, error)

    # The two callers

    def admit(self, question: Question) -> Decision:
        outcome = self.answer_at_once(question)
        if outcome is None:
            try:
                outcome = self.ask(question)
            except GovernorError as error:
                outcome = error
        return self.conclude(question, outcome)

    async def aadmit(self, question: Question) -> Decision:
        outcome = self.answer_at_once(question)
        if outcome is None:
            try:
                outcome = await in_thread(self.ask, question)
            except GovernorError as error:
                outcome = error
        return self.conclude(question, outcome)


class governed_call:
    """`with governed_call(call):` and `async with governed_call(call):` around the effect.

    Asks once for this call, unless it is part of one that was decided; raises if it must not happen.
    """

    __slots__ = ("_authority", "_call", "_token")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._authority: Authority | None = None
        self._token: Any = None

    def __enter__(self) -> Decision | None:
        gate = _gate
        if gate is None or not gate.enabled or (covered(self._call) and not gate.denies_host(self._call)):
            return None
        decision = gate.admit(gate.question(self._call))
        self._hold(decision)
        return decision

    def __exit__(self, *exc_info: object) -> None:
        self._release()

    async def __aenter__(self) -> Decision | None:
        gate = _gate
        if gate is None or not gate.enabled or (covered(self._call) and not gate.denies_host(self._call)):
            return None
        decision = await gate.aadmit(gate.question(self._call))
        self._hold(decision)
        return decision

    async def __aexit__(self, *exc_info: object) -> None:
        self._release()

    def _hold(self, decision: Decision) -> None:
        self._authority, self._token = authority_of_call(None if decision.reason == _BY_HOST else self._call)

    def _release(self) -> None:
        if self._authority is not None:
            end_authority(self._authority, self._token)


# The process's gate

_gate: Gate | None = None
_gate_lock = RLock()


def current_gate() -> Gate:
    """The process's gate; made from environment and file on first use."""
    global _gate
    if _gate is None:
        with _gate_lock:
            if _gate is None:
                _gate = Gate(load_settings({}))
    return _gate


def replace_gate(gate: Gate | None) -> None:
    global _gate
    with _gate_lock:
        old, _gate = _gate, gate
    if old is not None and old is not gate:
        old.close()


def is_enabled() -> bool:
    return _gate is not None and _gate.enabled


def _after_fork_in_child() -> None:
    global _gate_lock
    _gate_lock = RLock()
    if _gate is not None:
        _gate.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
