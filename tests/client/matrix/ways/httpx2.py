"""httpx2: functions, clients, transports, streams, redirects, sync and async."""

from __future__ import annotations

from . import _httpx

GEVENT = True
REQUIRES = ("httpx2",)
_httpx.declare(globals(), "httpx2")
