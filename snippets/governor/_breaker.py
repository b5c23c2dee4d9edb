"""Circuit breaker in front of the policy plane: while it is open, nothing is asked and nothing happens.

closed ──failures in a row──► open ──pause over──► half-open ──one probe: answer──► closed
                                ▲───────────────────────────────probe: failure──┘
"""

from __future__ import annotations

from _thread import allocate_lock

from governor._clock import steady

__all__ = ["CircuitBreaker"]


class CircuitBreaker:
    def __init__(self, failures: int, pause_ms: float) -> None:
        self._limit = failures
        self._pause = pause_ms / 1000
        self.reset()

    def reset(self) -> None:
        self._lock = allocate_lock()
        self._failures = 0
        self._opened = 0.0
        self._probing = False

    @property
    def state(self) -> str:
        if self._failures < self._limit:
            return "closed"
        return "half-open" if steady() - self._opened >= self._pause else "open"

    def may_ask(self) -> bool:
        """Whether to ask now; in half-open state only the first caller may, and must report back."""
        if self._failures < self._limit:
            return True
        with self._lock:
            if steady() - self._opened < self._pause or self._probing:
                return False
            self._probing = True
            return True

    def answered(self) -> None:
        if self._failures:
            with self._lock:
                self._failures = 0
                self._probing = False

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._probing = False
            if self._failures >= self._limit:
                self._opened = steady()
