"""The patterns of `allow_hosts` and `deny_hosts`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from governor._call import Call

__all__ = ["host_listed"]


def host_listed(call: Call, patterns: tuple[str, ...]) -> bool:
    """`example.com`, `.example.com` or `*.example.com` (below it), with `:port` if only that port is meant."""
    host = call.host
    for pattern in patterns:
        pattern = pattern.lower()
        name, colon, port = pattern.rpartition(":")
        if colon and port.isdigit() and "]" not in port and not name.endswith(":"):
            if not _has_port(call, port):
                continue
            pattern = name.strip("[]")
        if pattern.startswith("*."):
            pattern = pattern[1:]
        if host == pattern or (pattern.startswith(".") and host.endswith(pattern)) or pattern == "*":
            return True
    return False


def _has_port(call: Call, port: str) -> bool:
    scheme, _, rest = call.destination.partition("://")
    authority = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
    actual = authority.rpartition(":")[2] if ":" in authority.rpartition("]")[2] else {"http": "80", "https": "443"}.get(scheme.lower(), "")
    return actual == port
