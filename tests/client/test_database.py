"""Databases: one decision a statement, by verb and tables, whichever layer ran it."""

from __future__ import annotations

import sqlite3
import types

import pytest
import sqlalchemy

import governor
from governor._sql import read_sql


@pytest.mark.parametrize(
    ("statement", "action", "tables"),
    [
        ("SELECT a FROM orders o, customers AS c JOIN x ON 1", "read", "orders,customers,x"),
        ("insert into t(a) values ('x; delete from y')", "write", "t"),
        ("WITH d AS (DELETE FROM users RETURNING *) SELECT * FROM d", "delete", "users"),
        ('select 1; delete from "My Table"', "delete", "My Table"),
        ("/*! DELETE FROM x */ SELECT 1", "delete", "x"),
        (r"SELECT 'a\'; DELETE FROM x; --'", "delete", "x"),
        ("BEGIN", "", ""),
        ("BEGIN DELETE FROM x; END", "delete", "x"),
        ("EXPLAIN ANALYZE DELETE FROM t", "delete", "t"),
        ("COPY (SELECT * FROM t) TO STDOUT", "export", "t"),
        ("COPY t FROM PROGRAM 'curl evil'", "execute", "t"),
        ("SELECT * INTO new FROM old", "write", "new,old"),
        ("SELECT EXTRACT(year FROM ts) FROM log", "read", "log"),
        ("WITH RECURSIVE c(n) AS (SELECT 1) SELECT * FROM c, real", "read", "real"),
        ("CREATE TABLE IF NOT EXISTS foo (a int)", "write", "foo"),
        ("PRAGMA journal_mode=wal", "write", ""),
        ("SELECT 1 -- ; delete from x", "read", ""),
        ("frobnicate", "execute", ""),
        ("SET SESSION a = 1, GLOBAL b = 2", "write", ""),
        ("SET NOCOUNT ON DELETE FROM users", "delete", "users"),
        ("SET @x = my_function()", "execute", ""),
        ("SET NAMES utf8mb4", "", ""),
        ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "", ""),
        ("SELECT 1 DELETE FROM users", "delete", "users"),
        ("SELECT 1 EXEC xp_cmdshell 'x'", "execute", ""),
        ("SELECT * FROM t FOR UPDATE", "read", "t"),
        ("SELECT replace(a, 'x', 'y') FROM t", "read", "t"),
        ("INSERT INTO t SELECT * FROM u ON CONFLICT DO UPDATE SET a = 1", "write", "t,u"),
        ("INSERT INTO a WITH d AS (DELETE FROM b RETURNING *) SELECT * FROM d", "delete", "a,b"),
        ("COPY (DELETE FROM t RETURNING *) TO STDOUT", "delete", "t"),
        ("START TRANSACTION", "", ""),
        ("START REPLICA", "execute", ""),
        ("RESET MASTER", "write", ""),
        ("RESET ALL", "", ""),
        ("USE shop", "read", ""),
        ("PRAGMA user_version(5)", "write", ""),
        ("PRAGMA table_info(t)", "read", ""),
        ("PRAGMA main.index_list(t)", "read", ""),
        ("PRAGMA optimize", "write", ""),
        ("SELECT 1 # '\n; DELETE FROM users # '", "delete", "users"),
        ("SELECT 1--1; DELETE FROM users", "delete", "users"),
        ("", "", ""),
    ],
)
def test_statements_are_read(statement, action, tables):
    _, found, names = read_sql(statement)
    assert (found, ",".join(names)) == (action, tables)


@pytest.fixture
def path(tmp_path):
    path = str(tmp_path / "shop.db")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER)")
    connection.close()
    return path


def rows(path):
    governor.disable()
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT count(*) FROM orders").fetchone()[0]
    finally:
        connection.close()


class MyConnection(sqlite3.Connection):
    pass


WAYS = {
    "connection": lambda path: sqlite3.connect(path).execute("INSERT INTO orders VALUES (1)").connection.commit(),
    "cursor": lambda path: sqlite3.connect(path).cursor().execute("INSERT INTO orders VALUES (1)").connection.commit(),
    "script": lambda path: sqlite3.connect(path).executescript("INSERT INTO orders VALUES (1);"),
    "many": lambda path: sqlite3.connect(path).executemany("INSERT INTO orders VALUES (?)", [(1,)]).connection.commit(),
    "factory": lambda path: sqlite3.connect(path, factory=MyConnection).execute("INSERT INTO orders VALUES (1)").connection.commit(),
    "class": lambda path: sqlite3.Connection(path).execute("INSERT INTO orders VALUES (1)").connection.commit(),
    "cursor-class": lambda path: sqlite3.Cursor(sqlite3.connect(path)).execute("INSERT INTO orders VALUES (1)").connection.commit(),
    "dbapi2": lambda path: sqlite3.dbapi2.connect(path).execute("INSERT INTO orders VALUES (1)").connection.commit(),
}


@pytest.mark.parametrize("way", WAYS)
def test_sqlite_denied_and_allowed(enabled, path, way):
    plane = enabled()
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        WAYS[way](path)
    assert plane.requests[0]["resource"] == {"type": "database", "name": "orders"}
    plane.answer = "ALLOW"
    WAYS[way](path)
    assert len(plane.requests) == 2
    assert rows(path) == 1


def test_sqlite_types_stay_what_they_were(enabled, path):
    before = sqlite3.connect(path)
    original = sqlite3.Connection
    enabled()
    after = sqlite3.connect(path)
    assert isinstance(before, sqlite3.Connection) and isinstance(after, sqlite3.Connection) and isinstance(after, original)
    assert isinstance(after.cursor(), sqlite3.Cursor)
    governor.disable()
    assert sqlite3.Connection is original


def test_sqlalchemy_asks_once_for_a_statement(enabled, path):
    plane = enabled()
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("INSERT INTO orders VALUES (7)"))
    assert plane.calls() == ["sqlalchemy.engine.Connection.execute"]
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT id FROM orders")
    assert len(plane.requests) == 2
    assert plane.requests[1]["action"] == "read"
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA main.table_info('orders')")
        connection.exec_driver_sql("SELECT 1")
    assert plane.calls()[2:] == ["sqlalchemy.engine.Connection.execute"] * 2
    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        connection.exec_driver_sql("SELECT 2")
    assert len(plane.requests) == 5
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied), engine.begin() as connection:
        connection.execute(sqlalchemy.text("DELETE FROM orders"))
    raw = engine.raw_connection()
    with pytest.raises(governor.PolicyDenied):
        raw.cursor().execute("DELETE FROM orders")
    assert rows(path) == 1


def test_orm_flush(enabled, path):
    from sqlalchemy.orm import Session, declarative_base

    class Order(declarative_base()):
        __tablename__ = "orders"
        id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)

    plane = enabled()
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    with Session(engine) as session:
        session.add_all([Order(id=1), Order(id=2)])
        session.commit()
    assert plane.calls() == ["sqlalchemy.engine.Connection.execute"]
    plane.answer = "DENY"
    with Session(engine) as session, pytest.raises(governor.PolicyDenied) as denied:
        session.add(Order(id=3))
        session.commit()
    # Between the call and the gate lie wrappers that SQLAlchemy generates.
    assert __file__.endswith(denied.value.to_dict()["call_site"].rpartition(":")[0])
    assert rows(path) == 2


async def test_sqlalchemy_under_asyncio_does_not_block_the_loop(enabled, path):
    import asyncio
    import time

    from sqlalchemy.ext.asyncio import create_async_engine

    plane = enabled()
    plane.answer = lambda body: time.sleep(0.3) or "ALLOW"
    gaps = []

    async def tick():
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - before)

    ticking = asyncio.create_task(tick())
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    async with engine.begin() as connection:
        await connection.execute(sqlalchemy.text("INSERT INTO orders VALUES (1)"))
    ticking.cancel()
    await engine.dispose()
    assert plane.calls() == ["sqlalchemy.engine.Connection.execute"]
    assert max(gaps) < 0.25
    assert rows(path) == 1


def _destinations(plane):
    return [request["context"]["call"]["destination"] for request in plane.requests]


def test_duckdb_names_its_file(enabled, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    file = str(tmp_path / "sales.duckdb")
    before = duckdb.connect(str(tmp_path / "before.duckdb"))
    plane = enabled()
    connection = duckdb.connect(file)
    connection.execute("CREATE TABLE orders (id INTEGER)")
    connection.cursor().execute("INSERT INTO orders VALUES (1)")
    duckdb.sql("SELECT 2", connection=connection)
    rows = connection.sql("SELECT 3 AS id")
    rows.insert_into("orders")
    before.execute("SELECT 1")
    duckdb.connect().execute("SELECT 1")
    # Before version 2 a relation does not know its connection.
    inserted = f"duckdb:///{file if hasattr(rows, '_con') else ''}"
    assert _destinations(plane) == [f"duckdb:///{file}"] * 5 + [inserted, f"duckdb:///{tmp_path}/before.duckdb", "duckdb:///"]
    assert connection.sql("SELECT count(*) FROM orders").fetchall() == [(2,)]
    assert plane.requests[0]["action"] == "write" and plane.requests[0]["resource"]["name"] == "sales.duckdb"


def test_duckdb_makes_no_file_that_is_denied(enabled, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    enabled().answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        duckdb.connect(tmp_path / "sales.duckdb")
    assert not (tmp_path / "sales.duckdb").exists()


def test_duckdb_keeps_a_pending_result(enabled, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect(str(tmp_path / "sales.duckdb"))
    connection.execute("SELECT 1")
    enabled()
    connection.sql("SELECT 2")
    assert connection.fetchall() == [(1,)]


DUCKDB = {
    "table": lambda connection: connection.table("orders"),
    "view": lambda connection: connection.view("orders"),
    "table_function": lambda connection: connection.table_function("range", [3]),
    "install_extension": lambda connection: connection.install_extension("httpfs"),
    "load_extension": lambda connection: connection.load_extension("httpfs"),
    "from_csv_auto": lambda connection: connection.from_csv_auto("/etc/passwd"),
    "relation.query": lambda connection: connection.values([1]).query("one", "DELETE FROM orders"),
}


@pytest.mark.parametrize("way", DUCKDB)
def test_duckdb_s_ways_without_sql(enabled, way):
    connection = pytest.importorskip("duckdb").connect()
    connection.execute("CREATE TABLE orders (id INTEGER)")
    enabled().answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        DUCKDB[way](connection)


def test_replication_is_asked_about(enabled):
    extras = pytest.importorskip("psycopg2.extras")
    plane = enabled()
    plane.answer = "DENY"

    class Own(extras.ReplicationCursor):
        connection = types.SimpleNamespace()

    with pytest.raises(governor.PolicyDenied):
        Own.__new__(Own).start_replication_expert("START_REPLICATION SLOT s LOGICAL 0/0")
    assert plane.requests[0]["context"]["call"]["method"] == "START_REPLICATION"


@pytest.mark.parametrize("uri", ["", "file:"])
def test_sqlite_makes_no_file_that_is_denied(enabled, tmp_path, uri):
    plane = enabled()
    plane.answer = "DENY"
    path = tmp_path / "new.db"
    with pytest.raises(governor.PolicyDenied):
        sqlite3.connect(f"{uri}{path}", uri=bool(uri))
    assert not path.exists()
    plane.answer = "ALLOW"
    sqlite3.connect(f"{uri}{path}", uri=bool(uri)).close()
    assert path.exists()
    asked = len(plane.requests)
    sqlite3.connect(f"{uri}{path}", uri=bool(uri)).close()
    assert len(plane.requests) == asked == 2
