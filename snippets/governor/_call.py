"""One call that is about to cause an effect: what it is, and what makes it this call and no other."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from typing import Any

__all__ = ["Call", "fingerprint"]

_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}


class Call:
    """A call as a patch describes it.

    `destination` is where the effect lands: a full URL, `scheme://host:port/name` of a server, a path,
    a command. It may hold secrets: it is masked before it leaves the process or is written anywhere.
    `arguments` is anything that makes the call another question (body, statement, argv, message): only
    its digest is ever kept. `carries` names the categories of inner layers that belong to this
    call when they go to the same host (a cloud SDK carries `http`).
    `resource` is `(type, name)`, or None to derive it from the destination.
    `hosts` are further host suffixes which the inner layers may go to. `fields` are header fields that decide
    what happens, where they are known.
    """

    __slots__ = (
        "action", "arguments", "carries", "category", "data", "destination", "fields", "hosts", "method", "qualified_name", "resource",
        "_digest", "_host", "_target",
    )  # fmt: skip

    def __init__(
        self,
        qualified_name: str,
        category: str,
        action: str,
        resource: tuple[str, str] | None = None,
        destination: str = "",
        method: str = "",
        arguments: Any = None,
        *,
        carries: tuple[str, ...] = (),
        hosts: tuple[str, ...] = (),
        data: dict[str, Any] | None = None,
        fields: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.qualified_name = qualified_name
        self.category = category
        self.action = action
        self.resource = resource
        self.destination = destination
        self.method = method
        self.arguments = arguments
        self.carries = carries
        self.hosts = hosts
        self.data = data
        self.fields = fields
        self._digest: str | None = None
        self._host: str | None = None
        self._target: str | None = None

    @property
    def host(self) -> str:
        """Host of the destination, lower case, without port or brackets; empty for paths and commands, whatever they name."""
        if self._host is None:
            self._host = "" if self.resource is not None and self.resource[0] in ("process", "file") else host_of(self.destination)
        return self._host

    @property
    def target(self) -> str:
        """The destination written one way, so that two layers of one request compare equal."""
        if self._target is None:
            self._target = canonical_url(self.destination)
        return self._target

    @property
    def identity(self) -> Any:
        """What makes this call another question, beside its names: short arguments as they are, else their digest.

        None where it cannot be told (a stream).
        """
        arguments = self.arguments
        if self.fields:
            return self.digest or None
        if arguments is None or (isinstance(arguments, (str, bytes)) and len(arguments) <= 256):
            return arguments if arguments else ""
        return self.digest or None

    @property
    def digest(self) -> str:
        """SHA-256 over method, full destination and arguments; empty where it cannot be told (a stream)."""
        if self._digest is None:
            asked = (self.method, self.destination, self.arguments)
            self._digest = fingerprint((*asked, self.fields) if self.fields else asked)
        return self._digest

    def covers(self, inner: Call) -> bool:
        """Whether `inner`, made while this call runs, is a part of this call and needs no question of its own."""
        if inner.category != self.category:
            if inner.category not in self.carries:
                return False
            return _same_host(inner.host, self.host) or any(_same_host(inner.host, host) for host in self.hosts)
        if self.category == "http":
            return self.method == inner.method and self.target == inner.target and self.sends(inner.arguments, inner.fields)
        if self.qualified_name == inner.qualified_name and self.category != "process" and self.identity != inner.identity:
            # Not a layer of this call, but the same function again, with other arguments.
            return False
        return (self.resource is not None and self.resource == inner.resource) or (
            bool(self.destination) and self.destination == inner.destination
        )

    def sends(self, body: Any, fields: tuple[tuple[str, str], ...]) -> bool:
        """Whether a layer below, at this request, sends what was asked about; what a layer cannot tell belongs to it."""
        if fields and fields != self.fields:
            return False
        asked = self.arguments
        if body is asked or not (body is None or isinstance(body, (str, bytes))):
            return True
        return bool(_raw(body) == _raw(asked))


def _raw(body: Any) -> Any:
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body) if isinstance(body, bytearray) else body or b""


def _same_host(inner: str, outer: str) -> bool:
    return bool(outer) and (inner == outer or inner.endswith("." + outer))


def host_of(destination: str) -> str:
    start = destination.find("://") + 3
    if start == 2:
        return ""
    end = destination.find("/", start)
    authority = destination[start:end] if end >= 0 else destination[start:]
    if not (authority.isascii() and authority.replace(".", "").replace(":", "").replace("-", "").isalnum()):
        rest = destination[start:]
        for stop in "/?#":
            rest = rest.partition(stop)[0]
        authority = rest.rpartition("@")[2]
        if authority.startswith("["):
            return authority[1:].partition("]")[0].lower()
    host = authority.partition(":")[0].lower().rstrip(".")
    return _as_resolved(host) if not host.isascii() or host[-1:].isdigit() or "0x" in host else host


def _as_resolved(host: str) -> str:
    """One spelling for a name that is not ASCII, or a number that stands for an address (`127.1`, `0x7f000001`)."""
    if not host.isascii():
        try:
            return host.encode("idna").decode("ascii").lower()
        except UnicodeError:
            return host
    import socket

    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host


def canonical_url(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    rest = rest.partition("#")[0]
    cut = min((rest.find(stop) for stop in "/?" if stop in rest), default=len(rest))
    authority, path = rest[:cut].rpartition("@")[2].lower(), rest[cut:]
    scheme = scheme.lower()
    default_port = _DEFAULT_PORTS.get(scheme)
    if default_port and authority.endswith(":" + default_port):
        authority = authority[: -len(default_port) - 1]
    if not path.startswith("/"):
        path = "/" + path
    if "%" in path or not path.isascii() or " " in path:
        import re
        from urllib.parse import quote

        path = quote(re.sub("%([0-9a-fA-F]{2})", _unreserved, path), safe="%/?&=+:;,@!$'()*~[]|{}^\\\"<>`")
    return f"{scheme}://{authority}{path}"


def _unreserved(escape: re.Match[str]) -> str:
    character = chr(int(escape.group(1), 16))
    return character if character.isascii() and (character.isalnum() or character in "-._~") else escape.group(0).upper()


def fingerprint(value: Any) -> str:
    """SHA-256 of a value's content, or an empty string if some part of it can only be read once."""
    import hashlib

    digest = hashlib.sha256()
    return digest.hexdigest() if _feed(digest.update, value, 0) else ""


def _feed(update: Any, value: Any, depth: int) -> bool:
    if value is None or isinstance(value, (bool, int, float, complex)):
        text = repr(value).encode()
        update(b"n%d:" % len(text) + text)
        return True
    if isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        update(b"s%d:" % len(text) + text)
        return True
    if isinstance(value, (bytes, bytearray, memoryview)):
        update(b"b%d:" % (value.nbytes if isinstance(value, memoryview) else len(value)))
        update(value if not isinstance(value, memoryview) or value.contiguous else value.tobytes())
        return True
    if depth > 20:
        return False
    if isinstance(value, dict):
        update(b"d%d:" % len(value))
        return all(_feed(update, key, depth + 1) and _feed(update, item, depth + 1) for key, item in list(value.items()))
    if isinstance(value, (list, tuple)):
        update(b"l%d:" % len(value))
        return all(_feed(update, item, depth + 1) for item in list(value))
    if isinstance(value, (set, frozenset)):
        update(b"S%d:" % len(value))
        return _feed(update, sorted(fingerprint(item) for item in value), depth + 1)
    if hasattr(value, "__fspath__"):
        return _feed(update, value.__fspath__(), depth + 1)
    if type(value).__module__ in ("datetime", "decimal", "uuid", "fractions", "ipaddress"):
        return _feed(update, repr(value), depth + 1)
    return False
