"""oracledb: cursors, connections, queues and LOBs are Python classes in both modes; what they do is decided in their public methods.

Below those there is compiled code alone: each method hands its own name and arguments to it. A thin connection is opened in compiled code, for a pool in a thread or task of its own: what it opens sockets with are the
modules that it holds by name, and those are what `connecting()` is put around.
"""

from __future__ import annotations

from contextlib import nullcontext
from types import ModuleType

from governor._gate import connecting, passing
from governor._statement import governed_statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "oracledb"
MODULES = ("oracledb.cursor", "oracledb.connection", "oracledb.aq", "oracledb.lob", "oracledb.thin_impl")
FAMILY = "database"
NOT_INTERCEPTED = ("oracledb.Connection.commit", "oracledb.Connection.subscribe", "oracledb.Cursor.prepare", "oracledb.SodaDatabase")


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "oracledb.thin_impl":
        for name, changed in (("socket", {"create_connection": _connect}), ("asyncio", {"create_task": _create_task})):
            if name in vars(module):
                patcher.replace(module, name, _Own(vars(module)[name], **changed))
        return
    for owner, names, run, run_async in _SEAMS.get(module.__name__, ()):
        for name in names:
            patcher.wrap(getattr(module, owner), name, run, optional=name in _NEWER)
            patcher.wrap(getattr(module, "Async" + owner), name, run_async, optional=name in _NEWER)
    if module.__name__ == "oracledb.connection":
        patcher.wrap(module.AsyncConnection, "__await__", _open)
        patcher.connects(module.AsyncConnection, "__aenter__")


class _Own(ModuleType):
    """A module as `oracledb.thin_impl` sees it: one function of it is another."""

    def __init__(self, module: ModuleType, **changed: Any) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__dict__.update(changed, _module=module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _connect(*args: Any, **kwargs: Any) -> Any:
    import socket

    with connecting():
        return socket.create_connection(*args, **kwargs)


def _create_task(coroutine: Any, **kwargs: Any) -> Any:
    import asyncio

    return asyncio.create_task(_in_pool(coroutine), **kwargs)


async def _in_pool(coroutine: Any) -> Any:
    with connecting():
        return await coroutine


def _open(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with connecting():
        return (yield from wrapped(*args, **kwargs))


def _asked(instance: Any, name: str, statement: Any, parameters: Any) -> Any:
    dsn = str(getattr(getattr(instance, "connection", instance), "dsn", "") or "")
    text = statement if statement else getattr(instance, "statement", "") or "EXECUTE"
    return governed_statement(f"oracledb.{name.replace('Async', '')}", f"oracle://{dsn}", text, parameters)


def _statement(instance: Any, name: str, args: Any, kwargs: Any) -> Any:
    statement = args[0] if args else kwargs.get("statement")
    return _asked(instance, name, statement, (args[1:], kwargs))


def _procedure(instance: Any, name: str, args: Any, kwargs: Any) -> Any:
    return _asked(instance, name, f"CALL {args[0] if args else kwargs.get('name', '')}", (args[1:], kwargs))


def _load(instance: Any, name: str, args: Any, kwargs: Any) -> Any:
    given = dict(zip(("schema_name", "table_name"), args))
    given.update(kwargs)
    return _asked(instance, name, f"INSERT INTO {given.get('schema_name', '')}.{given.get('table_name', '')}", (args[2:], kwargs))


def _pipeline(instance: Any, name: str, args: Any, kwargs: Any) -> Any:
    operations = getattr(args[0] if args else kwargs.get("pipeline"), "operations", ())
    statements = [one.statement or (f"CALL {one.name}" if one.name else "COMMIT") for one in operations]
    return _asked(instance, name, "; ".join(statements), [(one.parameters, one.keyword_parameters) for one in operations])


def _message(instance: Any, name: str, args: Any, kwargs: Any) -> Any:
    # A message is an object of the driver's that cannot be read here: it is asked each time.
    verb = "INSERT INTO" if ".enq" in name else "DELETE FROM"
    return _asked(instance, name, f"{verb} {getattr(instance, 'name', '')}", (args, kwargs) if args or kwargs else object())


def _locator(instance: Any, name: str, args: Any, kwargs: Any) -> Any:
    # Which row's LOB this is cannot be told.
    return _asked(instance, name, "UPDATE lob", (object(), args, kwargs))


def _seam(describe: Any, *, whole: bool = False) -> Any:
    """The wrappers, plain and asynchronous, of methods that `describe` says the statement of; `whole` if they call others of those."""

    def run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        with describe(instance, wrapped.__qualname__, args, kwargs), passing("database") if whole else nullcontext():
            return wrapped(*args, **kwargs)

    async def run_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        async with describe(instance, wrapped.__qualname__, args, kwargs):
            with passing("database") if whole else nullcontext():
                return await wrapped(*args, **kwargs)

    return run, run_async


def _batches(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with _statement(instance, wrapped.__qualname__, args, kwargs):
        pass
    yield from wrapped(*args, **kwargs)


async def _batches_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with _statement(instance, wrapped.__qualname__, args, kwargs):
        pass
    batches = wrapped(*args, **kwargs)
    try:
        async for batch in batches:
            yield batch
    finally:
        await batches.aclose()


# Methods that some versions do not have, or have in one of the two modes.
_NEWER = frozenset({"parse", "fetch_df_all", "fetch_df_batches", "direct_path_load", "run_pipeline", "enqone", "enqmany", "deqone", "deqmany"})
_SEAMS = {
    "oracledb.cursor": (
        ("Cursor", ("execute", "executemany", "parse"), *_seam(_statement)),
        ("Cursor", ("callproc", "callfunc"), *_seam(_procedure, whole=True)),
    ),
    "oracledb.connection": (
        ("Connection", ("fetch_df_all",), *_seam(_statement)),
        ("Connection", ("fetch_df_batches",), _batches, _batches_async),
        ("Connection", ("direct_path_load",), *_seam(_load)),
        ("Connection", ("run_pipeline",), *_seam(_pipeline, whole=True)),
    ),
    "oracledb.aq": (("Queue", ("enqone", "enqmany", "deqone", "deqmany"), *_seam(_message)),),
    "oracledb.lob": (("LOB", ("write", "trim"), *_seam(_locator)),),
}
