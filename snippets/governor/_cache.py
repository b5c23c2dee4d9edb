"""ALLOWs that still hold, and one question at a time for each key.

Only an ALLOW is kept, under everything that it was asked for. Concurrent misses for one key ask once; the
others wait for that answer. The size is bounded: the oldest entry goes first.
"""

from __future__ import annotations

from _thread import allocate_lock

from governor._clock import now, steady

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from governor._wire import Decision

__all__ = ["DecisionCache"]


class _Flight:
    __slots__ = ("decision", "done", "error")

    def __init__(self) -> None:
        # Looked up now, not at import: under gevent's monkey-patching this is a cooperative event.
        import threading

        self.done = threading.Event()
        self.decision: Decision | None = None
        self.error: BaseException | None = None


class DecisionCache:
    def __init__(self, ttl_ms: float, limit: int = 4096) -> None:
        self._ttl = ttl_ms / 1000
        self._limit = limit
        self.reset()

    def reset(self) -> None:
        """Forget everything; also after a fork, where a lock may have been held by a thread that is gone."""
        self._kept: dict[Hashable, tuple[float, Decision]] = {}
        self._flights: dict[Hashable, _Flight] = {}
        self._lock = allocate_lock()

    def get(self, key: Hashable) -> Decision | None:
        entry = self._kept.get(key)
        if entry is None:
            return None
        until, decision = entry
        if steady() >= until or (decision.expires and now() >= decision.expires):
            self._kept.pop(key, None)
            return None
        return decision

    def ask_once(self, key: Hashable, ask: Callable[[], Decision], wait: float) -> Decision:
        """The decision for `key`: kept, or from somebody else's question that is on its way, or from `ask`."""
        with self._lock:
            kept = self.get(key)
            if kept is not None:
                return kept
            flight = self._flights.get(key)
            leading = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight()
        if not leading:
            if flight.done.wait(wait) and flight.decision is not None:
                return flight.decision.as_cached()
            if flight.error is not None:
                import copy

                raise copy.copy(flight.error)
            return ask()
        try:
            flight.decision = decision = ask()
            self._keep(key, decision)
            return decision
        except Exception as error:
            flight.error = error
            raise
        finally:
            with self._lock:
                self._flights.pop(key, None)
            flight.done.set()

    def _keep(self, key: Hashable, decision: Decision) -> None:
        if not decision.allowed or self._ttl <= 0:
            return
        with self._lock:
            while len(self._kept) >= self._limit:
                self._kept.pop(next(iter(self._kept)), None)
            self._kept[key] = (steady() + self._ttl, decision.as_cached())
