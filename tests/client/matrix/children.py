"""The parent's side of the workers: start, ask, and stop them; start the next library's ahead."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
from typing import Any, Dict, List

from .plane import Plane
from .servers import Tally
from .way import Library, Way

CLIENT = pathlib.Path(os.environ.get("MATRIX_CLIENT") or pathlib.Path(__file__).resolve().parents[3] / "snippets")
TESTS = pathlib.Path(__file__).resolve().parents[1]
FAMILIES = ("http", "database", "process", "email", "messaging", "cloud", "llm", "mcp", "browser", "saas", "network")


class Worker:
    """One child process, with a plane of its own."""

    def __init__(self, library: Library, mode: str, spawn_python: str) -> None:
        self.library, self.mode = library, mode
        self.plane = Plane()
        self.started = False
        self.spoiled = False
        """Its breaker may be open: enable anew before the next cell."""
        self.plain: Dict[str, Dict[str, Any]] = {}
        self.errors = tempfile.TemporaryFile("w+")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GOVERNOR_")}
        environment["PYTHONPATH"] = os.pathsep.join([str(TESTS), str(CLIENT)] + [p for p in sys.path if p])
        environment["MATRIX_SETTINGS"] = json.dumps(self.settings())
        environment["MATRIX_SPAWN_PYTHON"] = spawn_python
        environment.update(getattr(library.module, "ENVIRONMENT", {}))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "matrix.worker", library.stem, mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment,
            text=True,
        )

    def settings(self, **changes: Any) -> Dict[str, Any]:
        families = [family for family in FAMILIES if family not in self.library.without]
        full = {
            "enforce_url": self.plane.url,
            "api_key": "matrix",
            "tenant_id": "matrix",
            "actor_id": "matrix",
            "families": families,
            "timeout_ms": 3000,
            "backstop": "enforce",
        }
        full.update(changes)
        return full

    def send(self, **request: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def receive(self, seconds: float = 60) -> Dict[str, Any]:
        assert self.process.stdout is not None
        timer = threading.Timer(seconds, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if not line:
            raise AssertionError(f"the worker of {self.library.stem} ended or hung:\n{self.stderr()}")
        reply: Dict[str, Any] = json.loads(line)
        if "broken" in reply:
            raise AssertionError(f"the worker failed:\n{reply['broken']['trace']}")
        return reply

    def ask(self, **request: Any) -> Dict[str, Any]:
        self.send(**request)
        return self.receive()

    def stderr(self) -> str:
        self.errors.seek(0)
        return self.errors.read()[-4000:]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.plane.close()


class Crew:
    """The workers of one library, its server, and the markers that were used."""

    def __init__(self, library: Library, server: Tally, spawn_python: str) -> None:
        self.library, self.server, self._spawn_python = library, server, spawn_python
        self.workers: Dict[str, Worker] = {}
        self.serial = 0
        self.led = False
        """The crew after this one has been started."""
        self.zero: List[str] = []
        """Markers of cells that may never be seen at the server."""
        self.worker("early")

    def target(self) -> Dict[str, Any]:
        self.serial += 1
        return self.server.target(f"m{os.getpid()}{self.library.stem}q{self.serial}x")

    def worker(self, mode: str) -> Worker:
        if mode not in self.workers:
            worker = self.workers[mode] = Worker(self.library, mode, self._spawn_python)
            if mode != "late":
                worker.send(do="prepare", target=self.target())
                targets = {way.name: self.target() for way in self.library.ways}
                if mode == "early":
                    self._plain_targets = targets
                for way in self.library.ways:
                    worker.send(do="run", way=way.name, carrier="", targets=[targets[way.name]])
                worker.send(do="enable", settings=worker.settings())
            else:
                worker.plane.answer = _allowing()
                worker.send(do="prepare", target=self.target())
        return self.workers[mode]

    def ready(self, mode: str) -> Worker:
        """The worker, its plain phase read."""
        worker = self.worker(mode)
        if not worker.started:
            worker.started = True
            worker.receive()
            if mode != "late":
                for way in self.library.ways:
                    worker.plain[way.name] = worker.receive()["outcomes"][0]
                worker.receive()
        return worker

    def plain(self, way: Way) -> Dict[str, Any]:
        """What the way gives without the client."""
        return self.ready("early").plain[way.name]

    def plain_marker(self, way: Way) -> str:
        self.ready("early")
        return str(self._plain_targets[way.name]["marker"])

    def stop(self) -> None:
        for worker in self.workers.values():
            worker.stop()


def _allowing() -> Any:
    from .plane import ANSWERS

    return ANSWERS["allow"]
