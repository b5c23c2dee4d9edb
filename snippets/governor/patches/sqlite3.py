"""sqlite3: connections and cursors are C types that take no patch, so `connect` hands out subclasses that ask.
Opening a file that is not there makes it, and is asked about itself.

`sqlite3.Connection` and `sqlite3.Cursor` become those subclasses too, for code that constructs them itself; for
`isinstance` they still stand for the originals.

A connection opened before `enable()`, or by a `connect` that was captured out of reach, cannot change its class. Its trace
callback is taken instead: SQLite calls it with each statement as it starts, and a statement that is refused is interrupted before
it did anything. The caller then sees `sqlite3.OperationalError: interrupted`, the refusal is logged, and SQLite rolls the open
transaction back. That is only possible in the thread that may use the connection; from another thread it is reported as ungoverned.
"""

from __future__ import annotations

import os
import sys

from governor._backstop import report_unseen
from governor._call import Call
from governor._errors import PolicyUnavailable
from governor._gate import connecting, governed_call, is_enabled
from governor._statement import sql_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "sqlite3"
MODULES = ("sqlite3.dbapi2", "sqlite3")
FAMILY = "database"

_FACTORY_POSITION = 5
_governed: dict[type, type] = {}
_types: dict[str, type] = {}


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "sqlite3" and "dbapi2" not in vars(module):
        return
    for name in ("Connection", "Cursor"):
        _types[name] = _governed_class(_original(getattr(module, name)))
        patcher.replace(module, name, _types[name])
    patcher.wrap(module, "connect", _connect)
    connection = _original(module.Connection)
    patcher.on_living(connection, _adopt)
    patcher.on_restore(lambda: _release(connection))


def _original(kind: type) -> type:
    return getattr(kind, "_governor_original", kind)


def _connect(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    if len(args) > _FACTORY_POSITION:
        factory = _governed_factory(args[_FACTORY_POSITION])
        args = (*args[:_FACTORY_POSITION], factory, *args[_FACTORY_POSITION + 1 :])
    else:
        kwargs = {**kwargs, "factory": _governed_factory(kwargs.get("factory", _types["Connection"]))}
    made = _made_by(args[0] if args else kwargs.get("database", ":memory:"), args[7] if len(args) > 7 else kwargs.get("uri", False))
    if not made:
        with connecting():
            return wrapped(*args, **kwargs)
    call = Call("sqlite3.connect", "database", "write", ("database", os.path.basename(made)), "sqlite:///" + made, "connect", made)
    with governed_call(call), connecting():
        return wrapped(*args, **kwargs)


def _made_by(database: Any, uri: Any) -> str:
    """The file that opening `database` makes, or an empty string: a database in memory, or a file that is there."""
    if not isinstance(database, (str, bytes)) and not hasattr(database, "__fspath__"):
        return ""
    name = os.fsdecode(database)
    if uri and name.startswith("file:"):
        from urllib.parse import parse_qs, unquote, urlsplit

        parts = urlsplit(name)
        if parse_qs(parts.query).get("mode", ["rwc"])[-1] != "rwc":
            return ""
        name = unquote(parts.path)
    return "" if name in ("", ":memory:") or os.path.exists(name) else os.path.abspath(name)


def _governed_factory(factory: Any) -> Any:
    if isinstance(factory, type):
        return _governed_class(factory)

    def make(*args: Any, **kwargs: Any) -> Any:
        connection = factory(*args, **kwargs)
        if not isinstance(connection, _ConnectionGate):
            raise PolicyUnavailable("this sqlite3 connection factory makes connections that cannot be governed: give a class")
        return connection

    return make


def _governed_class(kind: type) -> type:
    if issubclass(kind, (_ConnectionGate, _CursorGate)):
        return kind
    made = _governed.get(kind)
    if made is None:
        gate: type = _ConnectionGate if hasattr(kind, "commit") else _CursorGate
        meta = type("_StandsFor", (_StandsFor, type(kind)), {}) if type(kind) is not type else _StandsFor
        made = meta(kind.__name__, (gate, kind), {"__module__": kind.__module__, "__doc__": kind.__doc__, "_governor_original": kind})
        made.__qualname__ = kind.__qualname__
        _governed[kind] = made
    return made


class _StandsFor(type):
    """Makes the governed subclass answer for its original in `isinstance` and `issubclass`."""

    def __instancecheck__(cls, instance: Any) -> bool:
        original = cls.__dict__.get("_governor_original")
        return isinstance(instance, original) if original is not None else super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        original = cls.__dict__.get("_governor_original")
        return issubclass(subclass, original) if original is not None else super().__subclasscheck__(subclass)


class _CursorGate:
    connection: Any

    def execute(self, sql: Any, *args: Any) -> Any:
        return _run("sqlite3.Cursor.execute", self.connection, sql, args, super().execute, sql, *args)  # type: ignore[misc]

    def executemany(self, sql: Any, *args: Any) -> Any:
        return _run("sqlite3.Cursor.executemany", self.connection, sql, args, super().executemany, sql, *args)  # type: ignore[misc]

    def executescript(self, sql: Any) -> Any:
        return _run("sqlite3.Cursor.executescript", self.connection, sql, (), super().executescript, sql)  # type: ignore[misc]


class _ConnectionGate:
    _governor_destination = "sqlite:///"

    def __init__(self, database: Any = ":memory:", *args: Any, **kwargs: Any) -> None:
        self._governor_destination = _destination(database)
        with connecting():
            super().__init__(database, *args, **kwargs)  # type: ignore[call-arg]

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        if args:
            args = (_governed_factory(args[0]), *args[1:])
        else:
            kwargs["factory"] = _governed_factory(kwargs.get("factory", _types["Cursor"]))
        return super().cursor(*args, **kwargs)  # type: ignore[misc]

    def execute(self, sql: Any, *args: Any) -> Any:
        return self.cursor().execute(sql, *args)

    def executemany(self, sql: Any, *args: Any) -> Any:
        return self.cursor().executemany(sql, *args)

    def executescript(self, sql: Any) -> Any:
        return self.cursor().executescript(sql)

    def backup(self, target: Any, **kwargs: Any) -> Any:
        destination = getattr(target, "_governor_destination", "sqlite:///")
        return _run("sqlite3.Connection.backup", self, "COPY main", (destination, tuple(kwargs)), super().backup, target, **kwargs)  # type: ignore[misc]

    def load_extension(self, path: Any, **kwargs: Any) -> Any:
        return _run("sqlite3.Connection.load_extension", self, "EXECUTE " + str(path), (), super().load_extension, path, **kwargs)  # type: ignore[misc]

    def blobopen(self, table: Any, *args: Any, **kwargs: Any) -> Any:
        verb = "SELECT * FROM" if kwargs.get("readonly") else "UPDATE"
        return _run("sqlite3.Connection.blobopen", self, f'{verb} "{table}"', args, super().blobopen, table, *args, **kwargs)  # type: ignore[misc]

    def deserialize(self, *args: Any, **kwargs: Any) -> Any:
        return _run("sqlite3.Connection.deserialize", self, "LOAD main", args, super().deserialize, *args, **kwargs)  # type: ignore[misc]


def _run(qualified_name: str, connection: Any, sql: Any, parameters: Any, run: Any, *args: Any, **kwargs: Any) -> Any:
    destination = getattr(connection, "_governor_destination", "sqlite:///")
    values = parameters[0] if len(parameters) == 1 else parameters
    call = sql_call(qualified_name, destination, sql, values, database=destination.rpartition("/")[2])
    if call is None:
        return run(*args, **kwargs)
    with governed_call(call):
        return run(*args, **kwargs)


# Connections of the original class: opened before `enable()`, or by a name captured before it


def adopt_new(connection: Any) -> None:
    """Put a connection that is just being made under the gate, if it was not made by `connect` above.

    SQLite announces it one step before it can be used: it is taken at the next step that this thread makes.
    """
    if isinstance(connection, _ConnectionGate):
        return
    if sys.getprofile() is not None:
        report_unseen(_ungoverned("sqlite3:///"), "this connection was made by a captured name under a profiler and cannot be governed")
        return

    def step(frame: Any, event: str, detail: Any) -> None:
        sys.setprofile(None)
        try:
            bool(connection.in_transaction)
        except Exception:  # not made yet
            sys.setprofile(step)
            return
        ungoverned = _adopt(connection)
        if ungoverned is not None:
            report_unseen(ungoverned, "this connection was made by a captured name and cannot be governed")

    sys.setprofile(step)


def _adopt(connection: Any) -> Call | None:
    destination = "sqlite:///"
    try:
        cursor = _original(_types["Cursor"])(connection)
        cursor.row_factory = None
        _number, _name, file = cursor.execute("PRAGMA database_list").fetchone()
        destination = _destination(os.fsdecode(file or ":memory:"))
        connection.set_trace_callback(_tracer(connection, destination))
    except Exception as error:
        if "closed" in str(error):
            return None
        return _ungoverned(destination)
    return None


def _ungoverned(destination: str) -> Call:
    return Call("sqlite3.Connection", "database", "execute", None, destination)


def _tracer(connection: Any, destination: str) -> Any:
    def trace(statement: str) -> None:
        # What a trigger does is traced as a comment, and is part of the statement that fired it.
        if not is_enabled() or statement.startswith("--"):
            return
        call = sql_call("sqlite3.Cursor.execute", destination, statement, (), database=destination.rpartition("/")[2])
        if call is None:
            return
        try:
            with governed_call(call):
                pass
        except BaseException as error:
            connection.interrupt()
            from governor._record import logger

            logger().error("a statement on a connection opened before governor.enable() was interrupted: %s", error)

    return trace


def _release(kind: type) -> None:
    from governor._living import living

    for connection in living((kind,)):
        try:
            connection.set_trace_callback(None)
        except Exception:  # closed, or another thread's: the callback asks nobody any more
            continue


def _destination(database: Any) -> str:
    if isinstance(database, bytes) or hasattr(database, "__fspath__"):
        database = os.fsdecode(database)
    if not isinstance(database, str) or database in ("", ":memory:") or database.startswith("file:"):
        return f"sqlite:///{database}"
    return "sqlite:///" + os.path.abspath(database)
