"""Zero-code activation in a real venv, beside a sitecustomize that is already there; and what `doctor` says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import governor

SNIPPETS = str(Path(governor.__file__).resolve().parents[1])
PROGRAM = """
import sys
enabled = "governor" in sys.modules and sys.modules["governor"]._enable.is_enabled()
import urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=5)
    result = "sent"
except Exception as error:
    result = type(error).__name__
print(enabled, result, "mine" if "my_sitecustomize_ran" in dir(sys) else "-")
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, symlinks=True, with_pip=False)
    return folder


def run(environment, *arguments, **variables):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GOVERNOR_", "PYTHON"))}
    return subprocess.run(
        [str(environment / "bin" / "python"), *arguments], env={**clean, **variables}, capture_output=True, text=True, timeout=60
    )


def command(*arguments, **variables):
    return subprocess.run(
        [sys.executable, "-m", "governor", *arguments], env={**os.environ, "PYTHONPATH": SNIPPETS, **variables}, capture_output=True, text=True, timeout=90
    )


def test_install_run_uninstall(environment, plane, web):
    site = next((environment / "lib").glob("python3*/site-packages"))
    (site / "sitecustomize.py").write_text("import sys; sys.my_sitecustomize_ran = True\n")
    plane.answer = "DENY"
    on = {"GOVERNOR_ENABLED": "1", "GOVERNOR_ENFORCE_URL": plane.url}
    before = run(environment, "-c", PROGRAM, web.url, **on)
    assert before.stdout.split() == ["False", "sent", "mine"]
    assert command("install-sitecustomize", "--venv", str(environment)).returncode == 0
    assert command("install-sitecustomize", "--venv", str(environment)).returncode == 0
    for flags in ((), ("-E",), ("-s",)):
        done = run(environment, *flags, "-c", PROGRAM, web.url, **on)
        assert done.stdout.split() == ["True", "PolicyDenied", "mine"], done.stderr
        assert done.stderr == ""
    off = run(environment, "-c", PROGRAM, web.url, GOVERNOR_ENFORCE_URL=plane.url)
    assert off.stdout.split() == ["False", "sent", "mine"] and off.stderr == ""
    wrong = run(environment, "-c", PROGRAM, web.url, **{**on, "GOVERNOR_MODE": "perhaps"})
    assert wrong.returncode == 78 and "GOVERNOR_MODE" in wrong.stderr and wrong.stdout == ""
    assert command("uninstall-sitecustomize", "--venv", str(environment)).returncode == 0
    assert not list(site.glob("*governor*"))
    assert run(environment, "-c", PROGRAM, web.url, **on).stdout.split() == ["False", "sent", "mine"]
    assert len(web.seen) == 3


def test_no_venv_there(tmp_path):
    done = command("install-sitecustomize", "--venv", str(tmp_path / "missing"))
    assert done.returncode == 2 and "venv" in done.stderr


def test_doctor(plane):
    done = command("doctor", "--format", "json", GOVERNOR_ENFORCE_URL=plane.url)
    report = json.loads(done.stdout)
    findings = {finding["code"]: finding for finding in report["findings"]}
    assert done.returncode == 0 and report["ok"], done.stdout
    assert findings["gate"]["ok"] and findings["plane"]["ok"] and "requests" in findings["patches"]["message"]
    done = command("doctor", GOVERNOR_ENFORCE_URL="http://127.0.0.1:9")
    assert done.returncode == 1 and "FAIL plane" in done.stdout


def test_cost_of_import_and_enable():
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); t = time.process_time(); import governor; governor.enable(enforce_url='http://127.0.0.1:9');"
        "print((time.process_time() - t) * 1000);"
        "print([n for n in ('requests', 'httpx', 'sqlite3', 'http.client', 'asyncio', 'socket', 'subprocess', 'typing', 'logging') if n in sys.modules])"
    )
    results = [subprocess.run([sys.executable, "-I", "-c", program, SNIPPETS], capture_output=True, text=True, check=True).stdout.splitlines() for _ in range(5)]
    assert {result[1] for result in results} == {"[]"}
    assert min(float(result[0]) for result in results) < 15
