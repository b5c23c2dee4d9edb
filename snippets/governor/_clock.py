"""The machine's own clocks, in seconds. A test that moves `time.time` (freezegun) must not make an ALLOW expire, or last."""

from __future__ import annotations

import time

__all__ = ["now", "steady"]

if hasattr(time, "clock_gettime"):

    def now() -> float:
        """Since 1970, as the plane's times are."""
        return time.clock_gettime(time.CLOCK_REALTIME)

    def steady() -> float:
        """Since some moment; never set back."""
        return time.clock_gettime(time.CLOCK_MONOTONIC)

else:
    now = time.time
    steady = time.monotonic
