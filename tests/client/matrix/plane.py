"""A policy plane whose every answer is chosen by the test, down to the byte that is missing.

It speaks HTTP over a plain socket, because the faults that matter (a reset, a body shorter than its
length, one byte at a time) are the ones an HTTP library does not let you make.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import socket
import struct
import threading
import time
import uuid
from typing import Any, Callable, Dict, List, Optional

DECISION_KEY = "matrix-decision-key"
Answer = Callable[["Plane", socket.socket, Dict[str, Any]], None]


class Plane:
    """One plane on loopback: `answer` is what it does, `asked` is what it was asked."""

    def __init__(self) -> None:
        self.answer: Answer = ANSWERS["deny"]
        self.asked: List[Dict[str, Any]] = []
        self.memory: Dict[str, bytes] = {}
        self.first = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def begin(self) -> None:
        """A cell starts: "first" means its first."""
        self.first = len(self.asked)

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = connection.makefile("rb")
        try:
            while True:
                if not reader.readline():
                    return
                length = 0
                while True:
                    header = reader.readline()
                    if header in (b"\r\n", b"\n", b""):
                        break
                    name, _, value = header.partition(b":")
                    if name.strip().lower() == b"content-length":
                        length = int(value)
                body = json.loads(reader.read(length) or b"{}")
                self.asked.append(body)
                self.answer(self, connection, body)
        except (OSError, ValueError):
            pass
        finally:
            try:
                connection.close()
            except OSError:
                pass


def iso(seconds: float) -> str:
    """The instant `seconds` from now, ISO 8601 with a zone."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now + datetime.timedelta(seconds=seconds)).isoformat()


def verdict(decision: Any = "ALLOW", **metadata: Any) -> Dict[str, Any]:
    """An answer as the contract has it."""
    full: Dict[str, Any] = {"request_id": "req-" + uuid.uuid4().hex, "canonicalization_trace": []}
    full.update(metadata)
    return {"decision": decision, "enforcement_latency_ms": 0.1, "metadata": full}


def http(status: int, payload: bytes, length: Optional[int] = None, extra: str = "") -> bytes:
    """One HTTP answer; `length` lies about the body's size."""
    size = len(payload) if length is None else length
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n{extra}\r\n"
    return head.encode() + payload


def document(build: Callable[[Dict[str, Any]], Any], status: int = 200) -> Answer:
    """An answer that is complete, whatever it says."""

    def answer(plane: Plane, connection: socket.socket, asked: Dict[str, Any]) -> None:
        connection.sendall(http(status, json.dumps(build(asked)).encode()))

    return answer


def raw(build: Callable[[bytes], bytes]) -> Answer:
    """An ALLOW whose bytes `build` spoils; the connection ends there."""

    def answer(plane: Plane, connection: socket.socket, asked: Dict[str, Any]) -> None:
        connection.sendall(build(json.dumps(verdict()).encode()))
        connection.close()
        raise OSError("done")

    return answer


def _hang(plane: Plane, connection: socket.socket, asked: Dict[str, Any]) -> None:
    time.sleep(1.5)
    raise OSError("done")


def _drip(plane: Plane, connection: socket.socket, asked: Dict[str, Any]) -> None:
    for byte in http(200, json.dumps(verdict()).encode()):
        connection.sendall(bytes([byte]))
        time.sleep(0.02)
    raise OSError("done")


def _reset(plane: Plane, connection: socket.socket, asked: Dict[str, Any]) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    raise OSError("done")


def _redirect(plane: Plane, connection: socket.socket, asked: Dict[str, Any]) -> None:
    other = plane.memory.setdefault("redirect", _Allowing().url.encode()).decode()
    payload = json.dumps(verdict()).encode()
    connection.sendall(http(307, payload, extra=f"Location: {other}/api/v2/enforce\r\n"))


class _Allowing(Plane):
    """Where the redirect leads: a plane that allows everything."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = ANSWERS["allow"]


def _first_only(plane: Plane, connection: socket.socket, asked: Dict[str, Any]) -> None:
    decision = "ALLOW" if len(plane.asked) - plane.first <= 1 else "DENY"
    connection.sendall(http(200, json.dumps(verdict(decision)).encode()))


def signed(asked: Dict[str, Any], request_id: str, key: str = DECISION_KEY, **changes: Any) -> str:
    """A decision token for what was asked, written from the documented format, not with the client's code."""
    context = asked.get("context") or {}
    bound = {
        "action": asked.get("action"),
        "actor": asked.get("actor"),
        "call": context.get("call"),
        "resource": asked.get("resource"),
    }
    payload: Dict[str, Any] = {
        "request_id": request_id,
        "decision": "ALLOW",
        "exp": int(time.time()) + 60,
        "args": hashlib.sha256(json.dumps(bound, sort_keys=True, separators=(",", ":")).encode()).hexdigest(),
        "jti": uuid.uuid4().hex,
    }
    payload.update(changes)
    head = "v1." + base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    mac = hmac.new(key.encode(), head.encode(), hashlib.sha256).digest()
    return head + "." + base64.urlsafe_b64encode(mac).decode().rstrip("=")


def tokened(spoil: Callable[[Dict[str, Any], str], Any]) -> Answer:
    """An ALLOW with the token that `spoil` makes of the question and the request id."""

    def build(asked: Dict[str, Any]) -> Dict[str, Any]:
        answer = verdict()
        answer["metadata"]["decision_token"] = spoil(asked, answer["metadata"]["request_id"])
        return answer

    return document(build)


def _other_arguments(asked: Dict[str, Any], request_id: str) -> str:
    context = dict(asked.get("context") or {})
    context["call"] = {**(context.get("call") or {}), "destination": "http://elsewhere/"}
    return signed({**asked, "context": context}, request_id)


def _replay(plane: Plane, connection: socket.socket, asked: Dict[str, Any]) -> None:
    """The same ALLOW, token and all, for every question."""
    if "replay" not in plane.memory:
        answer = verdict()
        answer["metadata"]["decision_token"] = signed(asked, answer["metadata"]["request_id"])
        plane.memory["replay"] = json.dumps(answer).encode()
    connection.sendall(http(200, plane.memory["replay"]))


def _chunked_cut(plane: Plane, connection: socket.socket, asked: Dict[str, Any]) -> None:
    payload = json.dumps(verdict()).encode()
    head = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.sendall(head + f"{len(payload):x}\r\n".encode() + payload + b"\r\n")
    connection.close()
    raise OSError("done")


ANSWERS: Dict[str, Answer] = {
    "allow": document(lambda asked: verdict()),
    "deny": document(lambda asked: verdict("DENY", reason="the matrix forbids it", policy_ids=["matrix"])),
    "hold": document(lambda asked: verdict("HOLD", hold_id="hold-1")),
    "allow-first-only": _first_only,
    "timeout": _hang,
    "slow-drip": _drip,
    "reset": _reset,
    "http-401": document(lambda asked: verdict(), 401),
    "http-403": document(lambda asked: verdict(), 403),
    "http-422": document(lambda asked: verdict(), 422),
    "http-429": document(lambda asked: verdict(), 429),
    "http-500": document(lambda asked: verdict(), 500),
    "http-502": document(lambda asked: verdict(), 502),
    "empty-body": raw(lambda body: http(200, b"")),
    "not-json": raw(lambda body: http(200, b"<html>ALLOW</html>")),
    "not-http": raw(lambda body: b"ALLOW\r\n\r\n"),
    "truncated-json": raw(lambda body: http(200, body[:-2])),
    "short-body": raw(lambda body: http(200, body, length=len(body) + 40)),
    "chunked-cut": _chunked_cut,
    "oversized": raw(lambda body: http(200, b" " * (24 << 20) + body)),
    "redirect": _redirect,
    "wrong-types": document(lambda asked: {"decision": ["ALLOW"], "metadata": "request_id"}),
    "decision-true": document(lambda asked: verdict(True)),
    "json-list": document(lambda asked: [verdict()]),
    "lower-case-allow": document(lambda asked: verdict("allow")),
    "unknown-decision": document(lambda asked: verdict("PERHAPS")),
    "missing-decision": document(lambda asked: {"metadata": verdict()["metadata"]}),
    "missing-request-id": document(lambda asked: verdict(request_id=None)),
    "request-id-number": document(lambda asked: verdict(request_id=7)),
    "no-metadata": document(lambda asked: {"decision": "ALLOW"}),
    "expired": document(lambda asked: verdict(expires_at=iso(-5))),
    "naive-expires-at": document(lambda asked: verdict(expires_at=iso(3600)[:19])),
    "unreadable-expires-at": document(lambda asked: verdict(expires_at="tomorrow")),
}

TOKENS: Dict[str, Answer] = {
    "token-missing": document(lambda asked: verdict()),
    "token-other-arguments": tokened(_other_arguments),
    "token-other-decision": tokened(lambda asked, request_id: signed(asked, request_id, decision="DENY")),
    "token-other-request": tokened(lambda asked, request_id: signed(asked, "req-other")),
    "token-expired": tokened(lambda asked, request_id: signed(asked, request_id, exp=int(time.time()) - 1)),
    "token-clock-skew": tokened(lambda asked, request_id: signed(asked, request_id, exp=int(time.time()) - 3600)),
    "token-bad-signature": tokened(lambda asked, request_id: signed(asked, request_id, key="another key")),
    "token-without-signature": tokened(lambda asked, request_id: signed(asked, request_id).rpartition(".")[0] + "."),
    "token-not-a-string": tokened(lambda asked, request_id: {"token": signed(asked, request_id)}),
    "token-replayed": _replay,
}
ANSWERS.update(TOKENS)
ANSWERS["token-valid"] = tokened(signed)
ALLOWING = ("allow", "allow-first-only", "token-valid")
