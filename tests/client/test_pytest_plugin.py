"""`@pytest.mark.governed` in a suite of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import governor

SUITE = '''
import os, subprocess
import governor, pytest

@pytest.mark.governed(deny=["execute"])
def test_denied():
    with pytest.raises(governor.PolicyDenied):
        subprocess.run(["true"])

@pytest.mark.governed
def test_recorded(governor_plane):
    subprocess.run(["true"], check=True)
    with governor.intent(governor.intent_from(action="execute", resource_type="process", resource_name="true", actor_id="ann")):
        subprocess.run(["true"], check=True)
    assert [intent["resource"]["name"] for intent in governor_plane.intents] == ["true", "true"]
    assert governor_plane.intents[1]["actor"]["id"] == "ann"
    assert governor_plane.decisions == ["ALLOW", "ALLOW"]

@pytest.mark.governed(hold="true")
def test_held():
    with pytest.raises(governor.PolicyHeld):
        os.system("true")

def test_not_governed():
    assert os.system("true") == 0
'''


def test_the_plugin(tmp_path):
    (tmp_path / "test_suite.py").write_text(SUITE)
    snippets = str(Path(governor.__file__).resolve().parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "governor.pytest_plugin", "--strict-markers", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": snippets}, capture_output=True, text=True, cwd=tmp_path, timeout=60,
    )  # fmt: skip
    assert "4 passed" in done.stdout, done.stdout + done.stderr
