"""Asks the policy plane: HTTP/1.1 over the client's own sockets, with one deadline for the whole exchange.

It uses no HTTP library, because every one of them is patched, and because a deadline per `recv` would let
an answer drip for hours. A redirect is not followed, a body that is cut short or too long is no answer.
"""

from __future__ import annotations

from governor._clock import steady
from governor._errors import ConfigurationError, PolicyUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Plane"]

_MAX_HEAD = 65_536
_MAX_BODY = 1_048_576
_MAX_IDLE = 8


class Plane:
    """One policy plane's address and the idle connections to it."""

    def __init__(self, url: str, api_key: str, timeout_ms: float) -> None:
        self.url = url
        self._timeout = timeout_ms / 1000
        self._idle: list[Any] = []
        self._tls: Any = None
        scheme, separator, rest = url.partition("://")
        authority, slash, prefix = rest.partition("/")
        if scheme not in ("http", "https") or not separator or not authority or "@" in authority or "?" in url or "#" in url:
            raise ConfigurationError(f"GOVERNOR_ENFORCE_URL must be a base like http://host:port, not `{url}`")
        self._secure = scheme == "https"
        self._prefix = "/" + prefix.rstrip("/") if prefix.rstrip("/") else ""
        self.host, self.port = _host_and_port(authority, 443 if self._secure else 80, url)
        if any(character in api_key for character in "\r\n\0") or not api_key.isascii():
            raise ConfigurationError("GOVERNOR_API_KEY holds characters that no header can carry")
        self._head = f"Host: {authority}\r\nContent-Type: application/json\r\nAccept: application/json\r\nUser-Agent: governor-sdk\r\n"
        if api_key:
            self._head += f"Authorization: Bearer {api_key}\r\n"

    def forget_connections(self) -> None:
        """After a fork: the parent's sockets must not be used by two processes."""
        self._idle = []

    def close(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def post(self, path: str, body: dict[str, Any], timeout: float | None = None) -> tuple[int, bytes]:
        """Status and body of the answer, or `PolicyUnavailable`."""
        import json

        deadline = steady() + (self._timeout if timeout is None else timeout)
        payload = json.dumps(body, separators=(",", ":"), default=str).encode("utf-8")
        head = f"POST {self._prefix}{path} HTTP/1.1\r\n{self._head}Content-Length: {len(payload)}\r\n\r\n"
        message = head.encode("ascii") + payload
        try:
            while self._idle:
                try:
                    connection = self._idle.pop()
                except IndexError:
                    break
                answer = self._exchange(connection, message, deadline, reused=True)
                if answer is not None:
                    return answer
            answer = self._exchange(self._connect(deadline), message, deadline, reused=False)
        except TimeoutError:
            raise self._failed("plane_timeout", f"no complete answer within {self._timeout * 1000:.0f} ms") from None
        except OSError as error:
            # Before 3.10 a socket's time-out is not yet the built-in TimeoutError.
            if type(error).__name__ == "timeout":
                raise self._failed("plane_timeout", f"no complete answer within {self._timeout * 1000:.0f} ms") from None
            raise self._failed("plane_unreachable", str(error) or type(error).__name__) from None
        except (ValueError, _NotHttp) as error:
            raise self._failed("bad_response", str(error)) from None
        if answer is None:
            raise self._failed("plane_unreachable", "the connection was closed without an answer")
        return answer

    def _failed(self, cause: str, reason: str) -> PolicyUnavailable:
        return PolicyUnavailable(f"the policy plane at {self.url} gave no valid answer: {reason}", cause=cause, reason=reason)

    def _connect(self, deadline: float) -> Any:
        import socket

        connection = self._open(self._addresses(deadline), deadline)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure:
                import ssl

                if self._tls is None:
                    self._tls = ssl.create_default_context()
                connection.settimeout(_left(deadline))
                connection = self._tls.wrap_socket(connection, server_hostname=self.host)
        except BaseException:
            connection.close()
            raise
        return connection

    def _addresses(self, deadline: float) -> list[Any]:
        """What the host's name stands for; found in a thread, because a resolver knows no time-out."""
        import socket

        def resolve() -> list[Any]:
            return socket.getaddrinfo(self.host, self.port, 0, socket.SOCK_STREAM)

        if ":" in self.host or self.host.replace(".", "").isdigit():
            return resolve()
        from threading import Event, Thread

        found: list[Any] = []
        done = Event()

        def look_up() -> None:
            try:
                found.append(resolve())
            except Exception as error:
                found.append(error)
            done.set()

        try:
            Thread(target=look_up, name="governor-resolver", daemon=True).start()
        except RuntimeError:  # no thread starts any more as the interpreter ends
            return resolve()
        if not done.wait(_left(deadline)):
            raise TimeoutError
        if isinstance(found[0], Exception):
            raise found[0]
        addresses: list[Any] = found[0]
        return addresses

    def _open(self, addresses: list[Any], deadline: float) -> Any:
        """The first address that answers; each gets its share of the time that is left."""
        import socket

        failure: OSError = OSError(f"no address for `{self.host}`")
        for number, (family, kind, protocol, _name, address) in enumerate(addresses):
            # A test may have put a mock in its place, which is not meant for this.
            of_class = socket.socket if isinstance(socket.socket, type) else socket.SocketType
            connection = of_class(family, kind, protocol)
            try:
                connection.settimeout(_left(deadline) / (len(addresses) - number))
                connection.connect(address)
                return connection
            except OSError as error:
                connection.close()
                failure = error
            except BaseException:
                connection.close()
                raise
        raise failure

    def _exchange(self, connection: Any, message: bytes, deadline: float, *, reused: bool) -> tuple[int, bytes] | None:
        """One request; None if an idle connection turned out to be closed before any byte of the answer."""
        keep = False
        try:
            reader = _Reader(connection, deadline)
            try:
                connection.settimeout(_left(deadline))
                connection.sendall(message)
                status, fields = reader.head()
            except (ConnectionError, EOFError):
                if not reader.started and reused:
                    return None
                if not reader.started:
                    raise ConnectionError("the connection was closed without an answer") from None
                raise _NotHttp("the answer was cut short in its head") from None
            body, delimited = reader.body(fields)
            _left(deadline)
            keep = delimited and not reader.buffer and fields.get("connection", "").lower() != "close" and len(self._idle) < _MAX_IDLE
            if keep:
                self._idle.append(connection)
            return status, body
        finally:
            if not keep:
                connection.close()


class _NotHttp(Exception):
    """What came is not a complete HTTP answer."""


class _Reader:
    """Reads one answer off a socket, never past the deadline."""

    def __init__(self, connection: Any, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self.buffer = b""
        self.started = False

    def _more(self) -> None:
        self._connection.settimeout(_left(self._deadline))
        received = self._connection.recv(65_536)
        if not received:
            raise EOFError
        self.started = True
        self.buffer += received

    def head(self) -> tuple[int, dict[str, str]]:
        while True:
            while b"\r\n\r\n" not in self.buffer:
                if len(self.buffer) > _MAX_HEAD:
                    raise _NotHttp("the answer's head is too long")
                self._more()
            head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            version, _, rest = lines[0].partition(" ")
            code = rest[:3]
            if version not in ("HTTP/1.1", "HTTP/1.0") or len(code) != 3 or not code.isdigit():
                raise _NotHttp("what answered does not speak HTTP/1.1")
            fields: dict[str, str] = {}
            for line in lines[1:]:
                name, colon, value = line.partition(":")
                name, value = name.strip().lower(), value.strip()
                if not colon or (name in ("content-length", "transfer-encoding") and fields.get(name, value) != value):
                    raise _NotHttp("the answer's head is malformed")
                fields[name] = value
            if version == "HTTP/1.0":
                fields.setdefault("connection", "close")
            if not code.startswith("1"):
                return int(code), fields

    def body(self, fields: dict[str, str]) -> tuple[bytes, bool]:
        """The body, and whether its end was marked by length or chunks."""
        if fields.get("content-encoding", "identity").lower() != "identity":
            raise _NotHttp("the answer is compressed although that was not asked for")
        transfer, length = fields.get("transfer-encoding"), fields.get("content-length")
        try:
            if transfer is not None:
                if transfer.lower() != "chunked" or length is not None:
                    raise _NotHttp("the answer's framing is ambiguous")
                return self._chunks(), True
            if length is None:
                return self._until_closed(), False
            if not (length.isascii() and length.isdigit()):
                raise _NotHttp("the answer's Content-Length is not a number")
            body = self._take(int(length))
            if self.buffer:
                raise _NotHttp("the answer is longer than its Content-Length")
            return body, True
        except (EOFError, ConnectionError):
            raise _NotHttp("the answer was cut short of its length") from None

    def _take(self, size: int) -> bytes:
        if size > _MAX_BODY:
            raise _NotHttp("the answer is too large")
        while len(self.buffer) < size:
            self._more()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def _line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            if len(self.buffer) > 4096:
                raise _NotHttp("a chunk's head is too long")
            self._more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def _chunks(self) -> bytes:
        body = b""
        while True:
            size_text = self._line().partition(b";")[0].strip()
            if not size_text or len(size_text) > 8 or size_text.strip(b"0123456789abcdefABCDEF"):
                raise _NotHttp("a chunk's size is malformed")
            size = int(size_text, 16)
            if size == 0:
                while self._line():
                    pass
                return body
            body += self._take(size)
            if len(body) > _MAX_BODY or self._line():
                raise _NotHttp("the answer is too large, or its chunks are malformed")

    def _until_closed(self) -> bytes:
        while len(self.buffer) <= _MAX_BODY:
            try:
                self._more()
            except EOFError:
                body, self.buffer = self.buffer, b""
                return body
        raise _NotHttp("the answer is too large")


def _left(deadline: float) -> float:
    left = deadline - steady()
    if left <= 0:
        raise TimeoutError
    return left


def _host_and_port(authority: str, default_port: int, url: str) -> tuple[str, int]:
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        port = port.lstrip(":")
    else:
        host, _, port = authority.partition(":")
    if not host or (port and not (port.isascii() and port.isdigit() and int(port) < 65_536)):
        raise ConfigurationError(f"GOVERNOR_ENFORCE_URL must be a base like http://host:port, not `{url}`")
    return host, int(port) if port else default_port
