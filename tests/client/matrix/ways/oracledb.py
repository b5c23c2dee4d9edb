"""oracledb: no server can be had here, so what counts is that the cursor's own code is never entered without an ALLOW."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("oracledb",)
SERVER = "files"


class _Connection:
    dsn = "127.0.0.1/x"

    _impl: Any = None

    def _verify_connected(self) -> None:
        return None

    async def _verify_connected_async(self) -> None:
        return None


class _Reached(RuntimeError):
    """The statement would be sent now."""


def _implementation(target: Any) -> Any:
    class Implementation:
        dsn = "127.0.0.1/x"

        def close(self, **options: Any) -> None:
            return None

        def __getattr__(self, name: str) -> Any:
            with open(target.path, "a") as out:
                out.write("x")
            raise _Reached

    return Implementation()


def _cursor(target: Any, kind: str = "Cursor") -> Any:
    import oracledb

    cursor = object.__new__(getattr(oracledb, kind))
    cursor._impl = _implementation(target)
    cursor._connection = _Connection()
    cursor._connection._impl = cursor._impl
    return cursor


def _own(kind: Any, target: Any) -> Any:
    """An object that was made without a server; nothing of its own runs when it goes, as that would count."""

    class Own(kind):  # type: ignore[misc]
        def __del__(self) -> None:
            return None

    made = object.__new__(Own)
    made._impl = _implementation(target)
    return made


def _connection(target: Any, kind: str = "Connection") -> Any:
    import oracledb

    return _own(getattr(oracledb, kind), target)


def _tried(call: Any) -> Any:
    try:
        return call()
    except _Reached:
        return "reached"


async def _tried_async(awaitable: Any) -> Any:
    try:
        return await awaitable
    except _Reached:
        return "reached"


@way("cursor.execute", faults=True, effects=None)
def execute(target: Any) -> Any:
    return _tried(lambda: _cursor(target).execute("insert into t values (:1)", [target.marker]))


@way("cursor.parse", effects=None)
def parse(target: Any) -> Any:
    return _tried(lambda: _cursor(target).parse("create table t (a number)"))


@way("callproc", effects=None)
def callproc(target: Any) -> Any:
    return _tried(lambda: _cursor(target).callproc("p", [target.marker]))


@way("fetch_df_all", effects=None)
def fetch_df_all(target: Any) -> Any:
    return _tried(lambda: _connection(target).fetch_df_all("select :1 from t", [target.marker]))


@way("fetch_df_batches", effects=None)
def fetch_df_batches(target: Any) -> Any:
    return _tried(lambda: list(_connection(target).fetch_df_batches("select :1 from t", [target.marker])))


@way("direct_path_load", effects=None)
def direct_path_load(target: Any) -> Any:
    return _tried(lambda: _connection(target).direct_path_load("s", "t", ["a"], [(target.marker,)]))


@way("queue.enqone", effects=None)
def enqone(target: Any) -> Any:
    from oracledb.aq import Queue

    queue = object.__new__(Queue)
    queue._connection, queue._impl = _connection(target), type("Named", (), {"name": "q"})()
    return _tried(lambda: queue.enqone(object()))


@way("lob.write", effects=None)
def lob_write(target: Any) -> Any:
    import oracledb

    lob = _own(oracledb.LOB, target)
    return _tried(lambda: lob.write(target.marker))


@way("async-cursor.execute", effects=None)
async def async_execute(target: Any) -> Any:
    return await _tried_async(_cursor(target, "AsyncCursor").execute("insert into t values (:1)", [target.marker]))


@way("async-fetch_df_all", effects=None)
async def async_fetch_df_all(target: Any) -> Any:
    return await _tried_async(_connection(target, "AsyncConnection").fetch_df_all("select :1 from t", [target.marker]))


@way("async-run_pipeline", effects=None)
async def async_run_pipeline(target: Any) -> Any:
    import oracledb

    pipeline = oracledb.create_pipeline()
    pipeline.add_execute("insert into t values (:1)", [target.marker])
    pipeline.add_commit()
    return await _tried_async(_connection(target, "AsyncConnection").run_pipeline(pipeline))
