"""httpx: functions, clients, transports, streams, redirects, sync and async."""

from __future__ import annotations

from . import _httpx

GEVENT = True
REQUIRES = ("httpx",)
_httpx.declare(globals(), "httpx")
