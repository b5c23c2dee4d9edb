"""The audit hook: asks about what was captured before, witnesses or stops what has no gate."""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import os
import pathlib
import shutil
import socket
import sys
import tarfile
import threading
import time
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


async def _asyncpg():
    connection = await importlib.import_module("asyncpg").connect("postgresql://postgres@127.0.0.1/postgres")
    await connection.close()


async def _nats():
    client = await importlib.import_module("nats").connect("nats://127.0.0.1")
    await client.close()


async def _aio_pika():
    connection = await importlib.import_module("aio_pika").connect("amqp://127.0.0.1")
    await connection.close()


def _pika():
    pika = importlib.import_module("pika")
    pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1")).close()


def _mqtt():
    mqtt = importlib.import_module("paho.mqtt.client")
    mqtt.Client(mqtt.CallbackAPIVersion.VERSION2).connect("127.0.0.1")


def _mongo(port):
    importlib.import_module("pymongo").MongoClient("127.0.0.1", port, serverSelectionTimeoutMS=300).admin.command("ping")


def _oracle(port):
    importlib.import_module("oracledb").connect(user="u", password="p", dsn=f"127.0.0.1:{port}/x")


def _oracle_pool(port):
    importlib.import_module("oracledb").create_pool(user="u", password="p", dsn=f"127.0.0.1:{port}/x", min=1, max=2).acquire()


async def _oracle_async(port):
    async with importlib.import_module("oracledb").connect_async(user="u", password="p", dsn=f"127.0.0.1:{port}/x"):
        pass


async def _oracle_async_pool(port):
    pool = importlib.import_module("oracledb").create_pool_async(user="u", password="p", dsn=f"127.0.0.1:{port}/x", min=1, max=2)
    await pool.acquire()


def _neo4j(port):
    with importlib.import_module("neo4j").GraphDatabase.driver(f"bolt://127.0.0.1:{port}", auth=("u", "p"), connection_timeout=1) as driver:
        driver.verify_connectivity()


async def _neo4j_async(port):
    async with importlib.import_module("neo4j").AsyncGraphDatabase.driver(f"bolt://127.0.0.1:{port}", auth=("u", "p"), connection_timeout=1) as driver:
        await driver.verify_connectivity()


def _cassandra(port):
    importlib.import_module("cassandra.cluster").Cluster(["127.0.0.1"], port=port, connect_timeout=0.5).connect()


def _kafka(port):
    importlib.import_module("kafka").KafkaProducer(bootstrap_servers=f"127.0.0.1:{port}", bootstrap_timeout_ms=500)


async def _aiokafka(port):
    producer = importlib.import_module("aiokafka").AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{port}", request_timeout_ms=500)
    try:
        await producer.start()
    finally:
        await producer.stop()


# A server's port, and what opens a connection to it; 0 is any server that does not speak the protocol.
CONNECTS = {
    "aiokafka": (0, lambda port: asyncio.run(_aiokafka(port))),
    "aio-pika": (5672, lambda port: asyncio.run(_aio_pika())),
    "asyncpg": (5432, lambda port: asyncio.run(_asyncpg())),
    "cassandra": (0, _cassandra),
    "ftplib": (0, lambda port: importlib.import_module("ftplib").FTP().connect("127.0.0.1", port, timeout=0.3)),
    "imaplib": (0, lambda port: importlib.import_module("imaplib").IMAP4("127.0.0.1", port, timeout=0.3)),
    "kafka": (0, _kafka),
    "nats": (4222, lambda port: asyncio.run(_nats())),
    "neo4j": (0, _neo4j),
    "neo4j-async": (0, lambda port: asyncio.run(_neo4j_async(port))),
    "oracledb": (0, _oracle),
    "oracledb-async": (0, lambda port: asyncio.run(_oracle_async(port))),
    "oracledb-async-pool": (0, lambda port: asyncio.run(_oracle_async_pool(port))),
    "oracledb-pool": (0, _oracle_pool),
    "paho": (1883, lambda port: _mqtt()),
    "paramiko": (0, lambda port: importlib.import_module("paramiko").Transport(("127.0.0.1", port)).close()),
    "pika": (5672, lambda port: _pika()),
    "pymongo": (0, _mongo),
    "pymysql": (3306, lambda port: importlib.import_module("pymysql").connect(host="127.0.0.1", user="root")),
    "redis": (6379, lambda port: importlib.import_module("redis").Redis().ping()),
    "smtplib": (0, lambda port: importlib.import_module("smtplib").SMTP("127.0.0.1", port, timeout=0.3)),
    "websockets": (0, lambda port: importlib.import_module("websockets.sync.client").connect(f"ws://127.0.0.1:{port}/", open_timeout=0.3)),
}


class Listener:
    """Accepts, keeps what it is sent, and hangs up."""

    def __init__(self):
        self.connections, self.received = 0, []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(0.2)
                try:
                    self.received.append(connection.recv(65536))
                except OSError:
                    pass

    def close(self):
        self._socket.close()


@pytest.fixture
def listener():
    server = Listener()
    yield server
    server.close()


@pytest.mark.parametrize("library", CONNECTS)
def test_a_governed_library_may_connect(enabled, listener, tmp_path, library):
    """What it does over the connection is asked about: opening it is no news, and is not stopped."""
    port, connect = CONNECTS[library]
    if port:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            pytest.skip(f"nothing answers at {port}")
    log = tmp_path / "audit.jsonl"
    enabled(backstop="enforce", audit_log=str(log))
    try:
        connect(port or listener.port)
    except governor.GovernorError:
        raise
    except ImportError:
        pytest.skip("not installed")
    except Exception as error:
        # The server or the account is not the one that it wants.
        assert "governor" not in str(error)
    assert not log.exists() or "socket.connect" not in log.read_text()
    until = time.monotonic() + 2
    while not (port or listener.connections) and time.monotonic() < until:
        time.sleep(0.01)
    assert port or listener.connections > 0


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


FAR_WAYS = {
    "through a link": lambda path: open(path.parent.parent / "link" / path.name, "w").close(),
    "a tree": lambda path: shutil.rmtree(path.parent),
    "beside a directory": lambda path: _unlink_beside(path),
    "renamed away": lambda path: os.rename(path, path.parent.parent / "elsewhere"),
    "moved away": lambda path: shutil.move(path, path.parent.parent / "elsewhere"),
    "renamed over": lambda path: os.replace(__file__ + ".none", path),
}


def _unlink_beside(path):
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.unlink(path.name, dir_fd=directory)
    finally:
        os.close(directory)


@pytest.mark.parametrize("way", FAR_WAYS)
def test_a_file_is_found_however_it_is_named(enabled, tmp_path, way):
    path = tmp_path / "data" / "kept"
    path.parent.mkdir()
    path.write_text("x")
    os.symlink(path.parent, tmp_path / "link")
    plane = enabled(families="filesystem", files=f"{tmp_path}/data/*")
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        FAR_WAYS[way](path)
    assert path.read_text() == "x"
    assert plane.requests[-1]["resource"] == {"type": "file", "name": str(path)}


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
