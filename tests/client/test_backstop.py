"""The audit hook: asks about what was captured before, witnesses or stops what has no gate."""

from __future__ import annotations

import importlib
import io
import json
import os
import pathlib
import shutil
import socket
import sys
import tarfile
from os import system as captured

import pytest
import requests

import governor

IN_A_DICT = {"system": os.system}


def test_captured_functions_are_asked_about(enabled, tmp_path):
    plane = enabled()
    plane.answer = "DENY"
    for system in (captured, IN_A_DICT["system"]):
        with pytest.raises(governor.PolicyDenied):
            system(f"touch {tmp_path}/made")
    assert not (tmp_path / "made").exists()


def test_log_records_enforce_stops(enabled, web, tmp_path):
    log = tmp_path / "audit.jsonl"
    enabled(backstop="log", audit_log=str(log))
    for _ in range(3):
        socket.create_connection(("127.0.0.1", web.port)).close()
    requests.get(web.url, timeout=5)
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(row["decision"], row.get("backstop", False)) for row in rows] == [("UNGOVERNED", True), ("ALLOW", False)]
    assert rows[0]["site"]["path"].endswith("test_backstop.py")
    governor.enable(enforce_url=governor._gate.current_gate().settings.enforce_url, backstop="enforce")
    with pytest.raises(governor.PolicyDenied) as caught:
        socket.create_connection(("127.0.0.1", web.port))
    assert caught.value.cause == "backstop_blocked"
    assert requests.get(web.url, timeout=5).status_code == 200
    governor.disable()
    socket.create_connection(("127.0.0.1", web.port)).close()


def test_a_library_that_takes_no_patch_is_named_as_it_is_imported(enabled, tmp_path, monkeypatch):
    (tmp_path / "pycurl.py").write_text("imported = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    log = tmp_path / "audit.jsonl"
    enabled(backstop="log", audit_log=str(log))
    import pycurl

    assert pycurl.imported
    row = json.loads(log.read_text().splitlines()[-1])
    assert (row["decision"], row["intent"]["resource"]) == ("UNGOVERNED", {"type": "http", "name": "pycurl"})
    governor.disable()
    del sys.modules["pycurl"]
    enabled(backstop="enforce")
    with pytest.raises(governor.PolicyDenied, match="takes no patch"):
        importlib.import_module("pycurl")
    assert "pycurl" not in sys.modules


WAYS = {
    "open": lambda path: open(path, "w").close(),
    "io.open": lambda path: open(path, "a").close(),
    "FileIO": lambda path: io.FileIO(path, "w").close(),
    "pathlib": lambda path: pathlib.Path(path).write_text("x"),
    "os.open": lambda path: os.close(os.open(path, os.O_WRONLY | os.O_CREAT)),
    "mkdir": lambda path: os.mkdir(path),
    "copy": lambda path: shutil.copy(__file__, path),
    "tarfile": lambda path: tarfile.open(path, "w").close(),
    "symlink": lambda path: os.symlink(__file__, path),
}


@pytest.mark.parametrize("way", WAYS)
def test_files_are_asked_about_where_the_family_is_chosen(enabled, tmp_path, way):
    made = str(tmp_path / "data" / "made")
    os.mkdir(tmp_path / "data")
    plane = enabled(families="filesystem", files=f"{tmp_path}/data/*", cache_ttl_ms=0)
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        WAYS[way](made)
    assert not os.path.lexists(made)
    plane.answer = "ALLOW"
    WAYS[way](made)
    assert os.path.lexists(made)
    assert plane.requests[-1]["resource"] == {"type": "file", "name": made}
    assert open(__file__).read()
    (tmp_path / "elsewhere").write_text("x")


def test_removing_is_a_delete(enabled, tmp_path):
    path = tmp_path / "kept"
    path.write_text("x")
    plane = enabled(families="filesystem", files=f"{tmp_path}/*")
    plane.answer = "DENY"
    for remove in (os.remove, os.unlink, lambda path: shutil.move(str(path), str(path) + "2"), lambda path: pathlib.Path(path).unlink()):
        with pytest.raises(governor.PolicyDenied):
            remove(path)
    assert path.exists()
    assert plane.requests[0]["action"] == "delete"


def test_the_primitives_are_decided_without_enable(plane, web, tmp_path, monkeypatch):
    monkeypatch.setenv("GOVERNOR_ENFORCE_URL", plane.url)
    import sqlite3

    connection = sqlite3.connect(":memory:")
    assert governor.http.fetch(web.url + "/a", method="POST", json={"a": 1}).text == "hello"
    assert governor.fs.write(tmp_path / "x", "hello") == 5
    assert governor.db.query(connection, "SELECT 1") == [(1,)]
    assert plane.calls() == ["governor.http.fetch", "governor.fs.write", "governor.db.query"]
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        governor.http.fetch(web.url + "/b")
    with pytest.raises(governor.PolicyDenied):
        governor.fs.write(tmp_path / "y", "hello")
    with pytest.raises(governor.PolicyDenied):
        governor.db.query(connection, "CREATE TABLE t (a)")
    assert len(web.seen) == 1 and not (tmp_path / "y").exists()
    governor.enable(enforce_url=plane.url, backstop="off", cache_ttl_ms=0)
    plane.requests.clear()
    plane.answer = "ALLOW"
    governor.http.fetch(web.url + "/c")
    assert plane.calls() == ["governor.http.fetch"]
