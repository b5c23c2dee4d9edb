"""Every test starts without the client enabled, and without its variables in the environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

CLIENT = Path(__file__).resolve().parents[2] / "snippets"
sys.path.insert(0, str(CLIENT))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import governor  # noqa: E402
from plane import Plane  # noqa: E402
from web import WebServer  # noqa: E402


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("GOVERNOR_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    yield
    governor.disable()
    governor._enable._configured = None


@pytest.fixture
def plane():
    server = Plane()
    yield server
    server.close()


@pytest.fixture
def web():
    server = WebServer()
    yield server
    server.close()


@pytest.fixture
def enabled(plane):
    """The client, enabled against `plane`; call it with more settings."""

    def enable(**settings):
        governor.enable(**{"enforce_url": plane.url, "timeout_ms": 1500, "backstop": "off", **settings})
        return plane

    return enable
