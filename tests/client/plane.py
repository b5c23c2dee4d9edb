"""A policy plane on loopback, inside the test process, with answers that a test programs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Optional, Union

Answer = Union[str, dict, Callable[[dict], Any]]


class Plane:
    """`answer` is a decision, a whole JSON answer, or a function of the request's body that gives either.

    A function may also return `(status, bytes)`, or take over the connection: `respond` is called with the
    handler and the body, if set.
    """

    def __init__(self, answer: Answer = "ALLOW", key: Optional[bytes] = None) -> None:
        self.answer = answer
        self.key = key
        self.requests: list[dict] = []
        self.headers: list[dict] = []
        self.respond: Optional[Callable[[BaseHTTPRequestHandler, dict], None]] = None
        self._lock = threading.Lock()
        plane = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                body = json.loads(raw)
                with plane._lock:
                    plane.requests.append(body)
                    plane.headers.append(dict(self.headers))
                if plane.respond is not None:
                    plane.respond(self, body)
                    return
                answer = plane.answer(body) if callable(plane.answer) else plane.answer
                if isinstance(answer, tuple):
                    status, payload = answer
                else:
                    status, payload = 200, json.dumps(plane.complete(answer, body)).encode()
                send(self, status, payload)

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *args: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def complete(self, answer: Union[str, dict], body: dict) -> dict:
        """A decision as the interface gives it; a dict is taken as it is."""
        if isinstance(answer, dict):
            return answer
        request_id = str(uuid.uuid4())
        metadata: dict[str, Any] = {"request_id": request_id, "canonicalization_trace": []}
        if answer == "DENY":
            metadata["policy_ids"] = ["test-policy"]
            metadata["reason"] = "the test says no"
        if self.key is not None:
            metadata["decision_token"] = sign(self.key, claims(body, request_id, answer))
        return {"decision": answer, "enforcement_latency_ms": 0.1, "metadata": metadata}

    def calls(self) -> list[str]:
        return [request.get("context", {}).get("call", {}).get("qualified_name", "") for request in self.requests]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def send(handler: BaseHTTPRequestHandler, status: int, payload: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(payload)))
    handler.end_headers()
    handler.wfile.write(payload)


def claims(body: dict, request_id: str, decision: str = "ALLOW", lifetime: float = 60) -> dict:
    asked = {"action": body["action"], "actor": body["actor"], "call": body.get("context", {}).get("call"), "resource": body["resource"]}
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    return {
        "request_id": request_id,
        "decision": decision,
        "exp": int(time.time() + lifetime),
        "args": hashlib.sha256(canonical).hexdigest(),
        "jti": str(uuid.uuid4()),
    }


def sign(key: bytes, payload: dict) -> str:
    head = "v1." + base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
    signature = hmac.new(key, head.encode(), hashlib.sha256).digest()
    return head + "." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
