"""duckdb: the connection's and relation's methods take a patch in their class; the module's functions are taken in the module.

Nothing else sees it: neither `open` nor a socket nor an audit event is below.
"""

from __future__ import annotations

from governor._statement import governed_statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "duckdb"
MODULES = ("duckdb",)
FAMILY = "database"
NOT_INTERCEPTED = ("duckdb.DuckDBPyConnection.commit", "duckdb.DuckDBPyConnection.register")

_STATEMENTS = ("execute", "executemany", "sql", "query", "from_query")
_WRITES = ("write_csv", "to_csv", "write_parquet", "to_parquet", "insert_into", "insert", "create", "to_table", "create_view", "to_view", "update")
_READS = ("read_csv", "read_parquet", "read_json", "from_csv_auto", "from_parquet")


def install(module: ModuleType, patcher: Patcher) -> None:
    for name in (*_STATEMENTS, *_READS):
        if callable(vars(module).get(name)):
            patcher.wrap(module, name, _run, asynchronous=False)
    connection, relation = vars(module).get("DuckDBPyConnection"), vars(module).get("DuckDBPyRelation")
    for owner, names, wrapper in ((connection, (*_STATEMENTS, *_READS), _run), (connection, ("append",), _write), (relation, _WRITES, _write)):
        for name in names:
            if hasattr(owner, name):
                patcher.wrap(owner, name, wrapper, asynchronous=False)


def _asked(name: str, args: Any, kwargs: Any) -> Any:
    statement = args[0] if args else kwargs.get("query", kwargs.get("statement", ""))
    if name in _READS or name in ("csv", "parquet", "json", "auto"):
        statement = f"SELECT * FROM '{statement}'"
    text = getattr(statement, "query", statement)
    if isinstance(statement, (list, tuple)):
        text = "; ".join(str(getattr(one, "query", one)) for one in statement)
    return governed_statement(f"duckdb.{name}", "duckdb:///", text, (args[1:], sorted(kwargs)))


def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with _asked(wrapped.__name__.rpartition("_")[2], args, kwargs):
        return wrapped(*args, **kwargs)


def _write(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    target = args[0] if args else kwargs.get("file_name", kwargs.get("table_name", kwargs.get("view_name", "")))
    verb = "COPY relation TO" if "csv" in wrapped.__name__ or "parquet" in wrapped.__name__ else "INSERT INTO"
    # The relation's rows are computed later: it is asked each time.
    with governed_statement(f"duckdb.DuckDBPyRelation.{wrapped.__name__}", "duckdb:///", f"{verb} '{target}'", object()):
        return wrapped(*args, **kwargs)
