"""psycopg2: connections and cursors are C types that take no patch, so `_connect` hands out subclasses that ask.

`psycopg2.connect` looks `_connect` up at each call, so a captured `connect` is governed too. The classes in
`psycopg2.extensions` become those subclasses, for code that constructs them itself. They are real subclasses, because
`register_type` and `execute_values` look at the C type. Connections opened before `enable()` are not governed, but reported.
"""

from __future__ import annotations

from governor._call import Call
from governor._statement import governed_factory, governed_statement, server_url, stand_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "psycopg2"
MODULES = ("psycopg2", "psycopg2.extensions", "psycopg2._psycopg", "psycopg2.extras")
FAMILY = "database"

_UNKNOWN = "postgresql:///"


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "psycopg2.extras":
        patcher.wrap(module.ReplicationCursor, "start_replication_expert", _replicate)
        return
    patcher.wrap(module, "_connect", _connect)
    for name, gate in (("connection", _ConnectionGate), ("cursor", _CursorGate)):
        if isinstance(vars(module).get(name), type):
            patcher.replace(module, name, stand_in(getattr(module, name), gate))
    if module.__name__ == "psycopg2._psycopg":
        original = getattr(module.connection, "_governor_original", module.connection)
        patcher.on_living(original, _ungoverned)


def _ungoverned(connection: Any) -> Call | None:
    return None if connection.closed else Call("psycopg2.extensions.connection", "database", "execute", None, _info_url(connection))


def _connect(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    import psycopg2.extensions

    given = args[1] if len(args) > 1 else kwargs.get("connection_factory")
    factory = governed_factory(given or psycopg2.extensions.connection, _ConnectionGate, "psycopg2")
    if len(args) > 1:
        args = (args[0], factory, *args[2:])
    else:
        kwargs = {**kwargs, "connection_factory": factory}
    return wrapped(*args, **kwargs)


def _destination(connection: Any) -> str:
    found = connection.__dict__.get("_governor_destination")
    if found is None:
        found = _info_url(connection)
        if found != _UNKNOWN:
            connection.__dict__["_governor_destination"] = found
    return str(found)


def _info_url(connection: Any) -> str:
    try:
        info = connection.info
        return server_url("postgresql", info.host, info.port, info.dbname)
    except Exception:
        # A connection that is closed or still opening cannot say.
        return _UNKNOWN


def _asked(name: str, connection: Any, statement: Any, parameters: Any) -> Any:
    as_string = getattr(statement, "as_string", None)
    if as_string is not None:
        statement = as_string(connection)
    return governed_statement(f"psycopg2.extensions.{name}", _destination(connection), statement, parameters)


def _replicate(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    command = args[0] if args else kwargs.get("command", "")
    with _asked("ReplicationCursor.start_replication_expert", instance.connection, command, (args[1:], kwargs)):
        return wrapped(*args, **kwargs)


class _ConnectionGate:
    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        import psycopg2.extensions

        given = args[1] if len(args) > 1 else kwargs.get("cursor_factory")
        factory = given or getattr(self, "cursor_factory", None) or psycopg2.extensions.cursor
        governed = governed_factory(factory, _CursorGate, "psycopg2")
        if len(args) > 1:
            args = (args[0], governed, *args[2:])
        else:
            kwargs["cursor_factory"] = governed
        return super().cursor(*args, **kwargs)  # type: ignore[misc]

    def lobject(self, *args: Any, **kwargs: Any) -> Any:
        with _asked("connection.lobject", self, "UPDATE pg_largeobject", (args, kwargs)):
            return super().lobject(*args, **kwargs)  # type: ignore[misc]


class _CursorGate:
    connection: Any

    def execute(self, query: Any, vars: Any = None) -> Any:
        with _asked("cursor.execute", self.connection, query, vars):
            return super().execute(query, vars)  # type: ignore[misc]

    def executemany(self, query: Any, vars_list: Any) -> Any:
        with _asked("cursor.executemany", self.connection, query, vars_list):
            return super().executemany(query, vars_list)  # type: ignore[misc]

    def callproc(self, procname: Any, *args: Any) -> Any:
        with _asked("cursor.callproc", self.connection, f"CALL {procname}", args):
            return super().callproc(procname, *args)  # type: ignore[misc]

    def copy_expert(self, sql: Any, file: Any, *args: Any, **kwargs: Any) -> Any:
        with _asked("cursor.copy_expert", self.connection, sql, file):
            return super().copy_expert(sql, file, *args, **kwargs)  # type: ignore[misc]

    def copy_from(self, file: Any, table: Any, *args: Any, **kwargs: Any) -> Any:
        with _asked("cursor.copy_from", self.connection, f"COPY {table} FROM STDIN", file):
            return super().copy_from(file, table, *args, **kwargs)  # type: ignore[misc]

    def copy_to(self, file: Any, table: Any, *args: Any, **kwargs: Any) -> Any:
        with _asked("cursor.copy_to", self.connection, f"COPY {table} TO STDOUT", file):
            return super().copy_to(file, table, *args, **kwargs)  # type: ignore[misc]
