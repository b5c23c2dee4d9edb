"""duckdb: the connection's and relation's methods take a patch in their class; the module's functions are taken in the module.

Nothing else sees it: neither `open` nor a socket nor an audit event is below. So opening a database file, which makes it, is
asked about as well. A connection tells which file it has open, in a cursor of its own, once.
"""

from __future__ import annotations

import os
import sys
from weakref import WeakKeyDictionary

from governor._call import Call
from governor._gate import governed_call, passing
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
_READS = ("read_csv", "read_parquet", "read_json", "from_csv_auto", "from_parquet", "table", "view", "table_function", "tf")
_EXTENSIONS = ("install_extension", "load_extension")


_FILE_OF = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
_files: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module, "connect", _connect, asynchronous=False)
    for name in (*_STATEMENTS, *_READS, *_EXTENSIONS):
        if callable(vars(module).get(name)):
            patcher.wrap(module, name, _run, asynchronous=False)
    connection, relation = vars(module).get("DuckDBPyConnection"), vars(module).get("DuckDBPyRelation")
    for owner, names, wrapper in (
        (connection, (*_STATEMENTS, *_READS, *_EXTENSIONS), _run),
        (connection, ("append",), _write),
        (relation, _WRITES, _write),
        (relation, ("query",), _query),
    ):
        for name in names:
            if hasattr(owner, name):
                patcher.wrap(owner, name, wrapper, asynchronous=False)


def _connect(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    database = args[0] if args else kwargs.get("database", ":memory:")
    name = os.fsdecode(database) if isinstance(database, (str, bytes)) or hasattr(database, "__fspath__") else ""
    if not name or name.startswith(":"):
        return wrapped(*args, **kwargs)
    reads = bool(args[1] if len(args) > 1 else kwargs.get("read_only", False))
    # `md:` and the like name a service.
    full = name if ":" in name.partition("/")[0] else os.path.abspath(name)
    with governed_call(
        Call("duckdb.connect", "database", "read" if reads else "write", ("database", os.path.basename(full)), f"duckdb:///{full}", "connect", full)
    ):
        return wrapped(*args, **kwargs)


def _database(connection: Any) -> str:
    """The URL of the file that a connection has open; none for a database in memory."""
    if connection is None:
        module = sys.modules.get("duckdb")
        connection = module.default_connection() if module is not None and callable(getattr(module, "default_connection", None)) else None
    try:
        file = _files.get(connection)
        if file is None:
            with passing("database"):
                row = connection.cursor().execute(_FILE_OF).fetchone()
            file = _files[connection] = str(row[0] or "") if row else ""
    except Exception:
        # A connection that is closed cannot say; the driver will.
        file = ""
    return f"duckdb:///{file}"


def _asked(name: str, connection: Any, args: Any, kwargs: Any) -> Any:
    statement = args[0] if args else kwargs.get("query", kwargs.get("statement", ""))
    if name in _EXTENSIONS:
        statement = f"LOAD '{args[0] if args else kwargs.get('extension', '')}'"
    elif name in _READS:
        statement = f"SELECT * FROM '{args[0] if args else next(iter(kwargs.values()), '')}'"
    text = getattr(statement, "query", statement)
    if isinstance(statement, (list, tuple)):
        text = "; ".join(str(getattr(one, "query", one)) for one in statement)
    return governed_statement(f"duckdb.{name}", _database(connection), text, (args[1:], sorted(kwargs)))


def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    # The module's functions have names of their own below (`module_sql`).
    name = wrapped.__name__[7:] if wrapped.__name__.startswith("module_") else wrapped.__name__
    with _asked(name, kwargs.get("connection") if instance is None else instance, args, kwargs):
        return wrapped(*args, **kwargs)


def _write(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    target = args[0] if args else kwargs.get("file_name", kwargs.get("table_name", kwargs.get("view_name", "")))
    verb = "COPY relation TO" if "csv" in wrapped.__name__ or "parquet" in wrapped.__name__ else "INSERT INTO"
    database = _database(getattr(instance, "_con", instance))
    # The relation's rows are computed later: it is asked each time.
    with governed_statement(f"duckdb.DuckDBPyRelation.{wrapped.__name__}", database, f"{verb} '{target}'", object()):
        return wrapped(*args, **kwargs)


def _query(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """A statement that sees the relation as a view."""
    statement = args[1] if len(args) > 1 else kwargs.get("sql_query", "")
    with governed_statement("duckdb.DuckDBPyRelation.query", _database(getattr(instance, "_con", instance)), statement, object()):
        return wrapped(*args, **kwargs)
