"""`@pytest.mark.governed`: the test runs against a plane inside the process, which records the intents it saw.

    @pytest.mark.governed(decision="ALLOW", deny=["delete"])
    def test_refund(governor_plane):
        refund()
        assert governor_plane.intents[0]["resource"]["name"] == "stripe"

`decision` answers by default; `deny` and `hold` name actions, resource names or `action resource-name` pairs. Other keyword
arguments are settings of `governor.enable`. Registered by the wheel, or with `-p governor.pytest_plugin`.
"""

from __future__ import annotations

import json
import socket
import threading
import uuid

import pytest

import governor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["RecordingPlane"]


class RecordingPlane:
    """A policy plane on loopback; `intents` are the requests it got, in order, `decisions` what it answered."""

    def __init__(self, decision: str = "ALLOW", deny: Any = (), hold: Any = ()) -> None:
        self.decision = decision
        self.deny = [deny] if isinstance(deny, str) else list(deny)
        self.hold = [hold] if isinstance(hold, str) else list(hold)
        self.intents: list[dict[str, Any]] = []
        self.decisions: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, name="governor-plane", daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), name="governor-plane", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader:
            while True:
                try:
                    if not reader.readline():
                        return
                    length = 0
                    for line in iter(reader.readline, b"\r\n"):
                        name, _, value = line.partition(b":")
                        length = int(value) if name.lower() == b"content-length" else length
                    payload = json.dumps(self._answer(json.loads(reader.read(length)))).encode()
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(payload) + payload)
                except (OSError, ValueError):
                    return

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        names = {body["action"], body["resource"]["name"], f"{body['action']} {body['resource']['name']}"}
        decision = "DENY" if names & set(self.deny) else "HOLD" if names & set(self.hold) else self.decision
        self.intents.append(body)
        self.decisions.append(decision)
        return {"decision": decision, "enforcement_latency_ms": 0.0, "metadata": {"request_id": str(uuid.uuid4()), "canonicalization_trace": []}}


def pytest_configure(config: Any) -> None:
    config.addinivalue_line("markers", "governed(decision='ALLOW', deny=[], hold=[], **settings): run with the gate enabled, against a recording plane")


@pytest.fixture  # type: ignore[misc]
def governor_plane(request: Any) -> Iterator[RecordingPlane]:
    """The recording plane of a test marked `governed`."""
    marker = request.node.get_closest_marker("governed")
    settings = dict(marker.kwargs) if marker is not None else {}
    answers = {name: settings.pop(name) for name in ("decision", "deny", "hold") if name in settings}
    plane = RecordingPlane(**answers)
    governor.disable()
    governor.enable(**{"enforce_url": plane.url, "enabled": True, "dev_bypass": False, "cache_ttl_ms": 0, **settings})
    try:
        yield plane
    finally:
        governor.disable()
        plane.close()


@pytest.fixture(autouse=True)  # type: ignore[misc]
def _governed_by_marker(request: Any) -> None:
    if request.node.get_closest_marker("governed") is not None:
        request.getfixturevalue("governor_plane")
