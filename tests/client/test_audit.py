"""The audit log: one line a decision, chained, safe under threads, processes and rotation."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import requests

import governor
from governor.__main__ import main
from governor._audit import AuditLog, verify

FIELDS = {"ts", "request_id", "decision", "reason", "intent", "call", "site", "cached", "latency_ms", "prev", "hash"}


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def log(tmp_path):
    return tmp_path / "logs" / "audit.jsonl"


def test_one_line_a_decision(enabled, web, log, capsys):
    plane = enabled(audit_log=str(log))
    requests.get(web.url + "/a?token=abcdef123456", timeout=5)
    requests.get(web.url + "/a?token=abcdef123456", timeout=5)
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied) as caught:
        requests.delete(web.url + "/a", timeout=5)
    first, second, third = lines(log)
    assert set(first) >= FIELDS
    assert (first["decision"], first["cached"], second["cached"], third["decision"]) == ("ALLOW", False, True, "DENY")
    assert third["request_id"] == caught.value.request_id
    assert first["call"] == {"qualified_name": "requests.Session.send", "destination": web.url + "/a?token=***", "method": "GET"}
    assert first["site"]["path"].endswith("test_audit.py") and first["site"]["function"] == "test_one_line_a_decision"
    assert "abcdef123456" not in log.read_text()
    assert main(["audit", "verify", str(log)]) == 0


def write(path, count, name="x", **settings):
    audit = AuditLog(str(path), settings.get("max_bytes", 0), settings.get("backups", 3))
    for number in range(count):
        audit.write({"ts": "t", "name": name, "number": number})
    audit.close()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda rows: rows[:2] + [rows[2].replace('"number":2', '"number":9')] + rows[3:], "changed"),
        (lambda rows: rows[:2] + rows[3:], "dropped"),
        (lambda rows: rows[1:], "missing"),
        (lambda rows: [*rows[:2], rows[1], *rows[2:]], "doubled"),
        (lambda rows: [rows[0], rows[2], rows[1], *rows[3:]], "reordered"),
        (lambda rows: [*rows[:2], "{}", *rows[2:]], "not a line"),
    ],
)
def test_verify_finds_what_was_done_to_the_log(log, change, found, capsys):
    write(log, 5)
    assert list(verify(str(log))) == []
    rows = change(log.read_text().splitlines())
    log.write_text("\n".join(rows) + "\n")
    assert any(found in problem for problem in verify(str(log))), list(verify(str(log)))
    assert main(["audit", "verify", str(log)]) == 1


def test_an_unfinished_line_is_found_and_then_mended(log):
    write(log, 3)
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"ts":"t","na')
    assert any("unfinished" in problem for problem in verify(str(log)))
    write(log, 1)
    assert list(verify(str(log))) == []
    assert len(lines(log)) == 4


def test_threads_and_processes_share_one_chain(log):
    program = (
        "import sys, threading; sys.path.insert(0, sys.argv[1]);"
        "from governor._audit import AuditLog; log = AuditLog(sys.argv[2], 0, 3);"
        "work = lambda n: [log.write({'ts': 't', 'n': n, 'i': i}) for i in range(50)];"
        "threads = [threading.Thread(target=work, args=(n,)) for n in range(4)];"
        "[t.start() for t in threads]; [t.join() for t in threads]"
    )
    snippets = os.path.dirname(os.path.dirname(governor.__file__))
    children = [subprocess.Popen([sys.executable, "-c", program, snippets, str(log)]) for _ in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    assert len(lines(log)) == 600
    assert list(verify(str(log))) == []


def test_a_forked_child_goes_on_with_the_chain(log):
    audit = AuditLog(str(log), 0, 3)
    audit.write({"ts": "t", "who": "parent"})
    child = os.fork()
    if child == 0:
        audit.after_fork()
        for _ in range(20):
            audit.write({"ts": "t", "who": "child"})
        os._exit(0)
    for _ in range(20):
        audit.write({"ts": "t", "who": "parent"})
    os.waitpid(child, 0)
    audit.close()
    assert list(verify(str(log))) == [] and len(lines(log)) == 41


def test_rotation_keeps_the_chain(log):
    threads = [threading.Thread(target=write, args=(log, 100), kwargs={"max_bytes": 4000, "backups": 50}) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = sorted(log.parent.iterdir(), key=lambda path: int(path.suffix[1:]) if path.suffix[1:].isdigit() else 0)
    assert len(files) > 5
    assert sum(len(lines(path)) for path in files) == 300
    assert [problem for path in files for problem in verify(str(path))] == []


def test_rotation_by_several_processes_keeps_the_chain(log):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from governor._audit import AuditLog; log = AuditLog(sys.argv[2], 2000, 200)\n"
        "for i in range(200): log.write({'ts': 't', 'i': i})"
    )
    snippets = os.path.dirname(os.path.dirname(governor.__file__))
    children = [subprocess.Popen([sys.executable, "-c", program, snippets, str(log)]) for _ in range(6)]
    assert [child.wait() for child in children] == [0] * 6
    files = list(log.parent.iterdir())
    assert sum(len(lines(path)) for path in files) == 1200
    assert [problem for path in files for problem in verify(str(path))] == []


def test_a_killed_process_loses_at_most_a_line(log):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from governor._audit import AuditLog; log = AuditLog(sys.argv[2], 0, 3); i = 0\n"
        "while True: log.write({'ts': 't', 'i': i}); i += 1"
    )
    snippets = os.path.dirname(os.path.dirname(governor.__file__))
    child = subprocess.Popen([sys.executable, "-c", program, snippets, str(log)])
    while not log.exists() or log.stat().st_size < 20_000:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    write(log, 1)
    assert list(verify(str(log))) == []
    assert [line["i"] for line in lines(log)[:-1]] == list(range(len(lines(log)) - 1))


@pytest.mark.parametrize(
    "text",
    [
        "https://user:hunter2secret@host/x",
        "postgresql://app:hunter2secret@db:5432/shop",
        "https://h/x?api_key=hunter2secret&y=1",
        "https://h/x?X-Amz-Signature=hunter2secret",
        "curl -H 'Authorization: Bearer hunter2secretlong' x",
        "psql --password hunter2secret",
        "psql --password=hunter2secret",
        "PGPASSWORD=hunter2secret psql",
        '{"password": "hunter2secret"}',
        "sk-hunter2secrethunter2secret",
        "host=db password='hunter2 secret' user=x",
        "eyJhbGciOiJIUzI1NiJ9.eyJodW50ZXIyc2VjcmV0IjoxfQ.hunter2secret",
        "ghp_hunter2secrethunter2secret",
    ],
)
def test_secrets_are_masked(text):
    from governor._redact import Redactor

    assert "hunter2" not in Redactor().text(text)


@pytest.mark.parametrize("text", ["https://host/path?page=2&q=orders", "SELECT * FROM orders WHERE id = 7", "touch /tmp/key.txt", "git commit -m 'key: value store'"[:11]])
def test_what_is_no_secret_stays(text):
    from governor._redact import Redactor

    assert Redactor().text(text) == text
