"""duckdb: connections and module functions, which write files that no other layer sees."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way

REQUIRES = ("duckdb",)
SERVER = "files"
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    import duckdb

    _bound["connection"] = duckdb.connect()
    _bound["execute"] = _bound["connection"].execute


def _copy(target: Any) -> str:
    return f"copy (select 'x') to '{target.path}' (header false)"


@way("connection.execute", carriers=("thread", "pool", "to_thread", "spawn"), faults=True, effects=None)
def execute(target: Any) -> Any:
    import duckdb

    return duckdb.connect().execute(_copy(target)).fetchall()


@way("connection.sql", effects=None)
def sql(target: Any) -> Any:
    import duckdb

    return repr(duckdb.connect().sql(_copy(target)))


@way("cursor.execute", effects=None)
def cursor(target: Any) -> Any:
    import duckdb

    return duckdb.connect().cursor().execute(_copy(target)).fetchall()


@way("module.execute", effects=None)
def module_execute(target: Any) -> Any:
    import duckdb

    return duckdb.execute(_copy(target)).fetchall()


@way("module.sql", effects=None)
def module_sql(target: Any) -> Any:
    import duckdb

    return repr(duckdb.sql(_copy(target)))


@way("bound-connection", effects=None)
def bound_connection(target: Any) -> Any:
    return _bound["connection"].execute(_copy(target)).fetchall()


@way("relation.write_csv", effects=None)
def relation(target: Any) -> Any:
    import duckdb

    connection = duckdb.connect()
    return connection.values(["x"]).write_csv(target.path)


@way("relation.query", effects=None)
def relation_query(target: Any) -> Any:
    import duckdb

    return repr(duckdb.connect().values(["x"]).query("one", _copy(target)))
