"""What was made before `enable()`: governed all the same, or named as what it is."""

from __future__ import annotations

import functools
import http.client
import json
import sqlite3
import sys
import threading

import pytest

import governor

CAPTURED = {
    "partial": functools.partial(sqlite3.connect),
    "in a class": vars(type("Store", (), {"connect": staticmethod(sqlite3.connect)}))["connect"].__func__,
    "class": functools.partial(sqlite3.Connection),
    "subclass": type("Own", (sqlite3.Connection,), {}),
}


@pytest.fixture
def connection(tmp_path):
    opened = sqlite3.connect(tmp_path / "rows.db")
    opened.execute("CREATE TABLE t (a)")
    opened.execute("INSERT INTO t VALUES (0)")
    opened.commit()
    yield opened
    opened.close()


def rows(path):
    with sqlite3.connect(path) as other:
        found = other.execute("SELECT count(*) FROM t").fetchone()[0]
    other.close()
    return found


STATEMENTS = {
    "connection": lambda connection: connection.execute("INSERT INTO t VALUES (1)"),
    "new cursor": lambda connection: connection.cursor().execute("DELETE FROM t"),
    "many": lambda connection: connection.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)]),
    "script": lambda connection: connection.executescript("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);"),
    "drop": lambda connection: connection.execute("DROP TABLE t"),
    "read": lambda connection: connection.execute("SELECT * FROM t").fetchall(),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_an_sqlite_connection_from_before_is_interrupted(enabled, connection, tmp_path, name):
    plane = enabled()
    plane.answer = "DENY"
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        STATEMENTS[name](connection)
    connection.commit()
    assert plane.requests[-1]["resource"] == {"type": "database", "name": "t"}
    governor.disable()
    assert rows(tmp_path / "rows.db") == 1
    STATEMENTS[name](connection)


def test_an_sqlite_cursor_from_before_asks_for_each_statement(enabled, connection, tmp_path):
    cursor = connection.cursor()
    statement = "INSERT INTO t VALUES (?)"
    cursor.execute(statement, (1,))
    connection.commit()
    plane = enabled()
    for value in (2, 3):
        cursor.execute(statement, (value,))
    connection.commit()
    assert [request["context"]["call"]["destination"] for request in plane.requests] == [f"sqlite:///{tmp_path}/rows.db"] * 2
    plane.answer = "DENY"
    with pytest.raises(sqlite3.OperationalError):
        cursor.execute(statement, (4,))
    governor.disable()
    assert rows(tmp_path / "rows.db") == 4


@pytest.mark.skipif(sys.version_info < (3, 10), reason="SQLite announces a connection from 3.10 on")
@pytest.mark.parametrize("name", CAPTURED)
@pytest.mark.parametrize("statement", ["INSERT INTO t VALUES (1)", "DROP TABLE t", "VACUUM", "PRAGMA user_version = 7"])
def test_an_sqlite_connection_by_a_captured_name_is_interrupted(enabled, connection, tmp_path, name, statement):
    plane = enabled()
    made = CAPTURED[name](tmp_path / "rows.db")
    assert plane.requests[-1]["context"]["call"]["qualified_name"] == "sqlite3.connect"
    plane.answer = "DENY"
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        made.execute(statement)
    made.close()
    with pytest.raises(governor.PolicyDenied):
        CAPTURED[name](tmp_path / "new.db")
    assert sys.getprofile() is None
    governor.disable()
    assert rows(tmp_path / "rows.db") == 1


def test_an_sqlite_connection_of_another_thread_is_named(enabled, tmp_path):
    made = []
    thread = threading.Thread(target=lambda: made.append(sqlite3.connect(tmp_path / "other.db")))
    thread.start()
    thread.join()
    log = tmp_path / "audit.jsonl"
    enabled(backstop="log", audit_log=str(log))
    line = json.loads(log.read_text().splitlines()[-1])
    assert (line["decision"], line["cause"], line["call"]["qualified_name"]) == ("UNGOVERNED", "backstop_blocked", "sqlite3.Connection")
    governor.disable()
    with pytest.raises(governor.PolicyDenied, match="before"):
        enabled(backstop="enforce")
    made.clear()


def test_a_request_begun_before_is_asked_about_when_it_is_sent(enabled, web):
    connection = http.client.HTTPConnection("127.0.0.1", web.port)
    connection.putrequest("POST", "/begun")
    connection.putheader("Content-Length", "0")
    plane = enabled()
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        connection.endheaders()
    assert web.seen == []
    connection.close()


def test_bytes_sent_without_a_request_are_asked_about(enabled, web):
    plane = enabled(cache_ttl_ms=0)
    connection = http.client.HTTPConnection("127.0.0.1", web.port)
    connection.request("GET", "/first")
    connection.getresponse().read()
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        connection.send(b"POST /second HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    assert plane.requests[-1]["context"]["call"]["method"] == "POST"
    assert plane.requests[-1]["context"]["call"]["destination"].endswith("/second")
    assert len(web.seen) == 1
    connection.close()
