"""pymongo: `_run_command` in the command runner, which commands, bulk writes and cursors all call, sync and async.

Motor, mongoengine and beanie ride on it. A `CommandListener` cannot deny: its exceptions are swallowed. Before 4.20 there was no
runner; there the connection's `command` and `write_command` and the server's `run_operation` are taken. Handshakes, heartbeats,
sessions and the rest of a result that was allowed are not asked.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "pymongo"
MODULES = (
    "pymongo.synchronous.command_runner", "pymongo.asynchronous.command_runner", "pymongo.synchronous.pool", "pymongo.asynchronous.pool",
    "pymongo.synchronous.server", "pymongo.asynchronous.server", "pymongo.pool", "pymongo.server",
    "pymongo.pool_shared",
)  # fmt: skip
FAMILY = "database"

_HOUSEKEEPING = frozenset(
    "hello ismaster ping saslstart saslcontinue authenticate getnonce logout endsessions killcursors killsessions getmore buildinfo"
    " committransaction aborttransaction".split()
)
_READS = frozenset(
    "find aggregate count distinct listcollections listdatabases listindexes dbstats collstats explain getparameter serverstatus"
    " connectionstatus currentop hostinfo usersinfo rolesinfo validate".split()
)
_DELETES = frozenset("delete drop dropdatabase dropindexes dropuser droprole dropallusersfromdatabase".split())


def install(module: ModuleType, patcher: Patcher) -> None:
    asynchronous = ".asynchronous." in module.__name__
    part = module.__name__.rpartition(".")[2]
    if part == "command_runner":
        patcher.wrap(module, "_run_command", _run_async if asynchronous else _run)
    elif part == "pool_shared":
        patcher.connects(module, "_create_connection", "_async_create_connection")
    elif part == "pool" and not _has_runner(module):
        connection = vars(module).get("AsyncConnection") or vars(module).get("Connection")
        patcher.wrap(connection, "command", _command_async if asynchronous else _command)
        for name in ("write_command", "unack_write"):
            patcher.wrap(connection, name, _write_async if asynchronous else _write)
    elif part == "server" and not _has_runner(module):
        patcher.wrap(module.Server, "run_operation", _operation_async if asynchronous else _operation)


def _has_runner(module: Any) -> bool:
    import importlib.util

    package = module.__name__.rpartition(".")[0]
    return importlib.util.find_spec(package + ".command_runner") is not None


def _call_of(connection: Any, database: Any, command: Any, message: Any) -> Call | None:
    name = str(next(iter(command), "")) if command else ""
    if name.lower() in _HOUSEKEEPING:
        return None
    action = "read" if name.lower() in _READS else "delete" if name.lower() in _DELETES else "write"
    if name == "aggregate" and any("$out" in stage or "$merge" in stage for stage in command.get("pipeline", ())):
        action = "write"
    collection = command.get(name) if command else None
    resource = f"{database}.{collection}" if isinstance(collection, str) else str(database)
    address = getattr(connection, "address", None) or ("", 27017)
    destination = f"mongodb://{address[0]}:{address[1]}/{database}"
    return Call(f"pymongo.{name or 'write'}", "database", action, ("collection", resource), destination, name, message)


def _runner_call(args: Any, kwargs: Any) -> Call | None:
    connection, command, database, _, message = args[:5]
    # The first sixteen bytes are the header with the request's number.
    return _call_of(connection, database, command, bytes(message[16:]) if message else (database, repr(command)))


def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    call = _runner_call(args, kwargs)
    if call is None:
        return wrapped(*args, **kwargs)
    with governed_call(call):
        return wrapped(*args, **kwargs)


async def _run_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    call = _runner_call(args, kwargs)
    if call is None:
        return await wrapped(*args, **kwargs)
    async with governed_call(call):
        return await wrapped(*args, **kwargs)


def _command(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    call = _call_of(instance, args[0] if args else "", args[1] if len(args) > 1 else kwargs.get("spec", {}), object())
    if call is None:
        return wrapped(*args, **kwargs)
    with governed_call(call):
        return wrapped(*args, **kwargs)


async def _command_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    call = _call_of(instance, args[0] if args else "", args[1] if len(args) > 1 else kwargs.get("spec", {}), object())
    if call is None:
        return await wrapped(*args, **kwargs)
    async with governed_call(call):
        return await wrapped(*args, **kwargs)


def _written(connection: Any, args: Any) -> Call:
    message = next((bytes(one) for one in args if isinstance(one, (bytes, bytearray))), b"")
    call = _call_of(connection, "database", {}, message[16:])
    if call is None:
        raise AssertionError("a write is never housekeeping")
    return call


def _write(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with governed_call(_written(instance, args)):
        return wrapped(*args, **kwargs)


async def _write_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with governed_call(_written(instance, args)):
        return await wrapped(*args, **kwargs)


def _operation_call(args: Any) -> Call | None:
    operation = args[1]
    name = str(getattr(operation, "name", "find"))
    command = {name: getattr(operation, "coll", "")}
    return _call_of(args[0], getattr(operation, "db", ""), command, object())


def _operation(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    call = _operation_call(args)
    if call is None:
        return wrapped(*args, **kwargs)
    with governed_call(call):
        return wrapped(*args, **kwargs)


async def _operation_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    call = _operation_call(args)
    if call is None:
        return await wrapped(*args, **kwargs)
    async with governed_call(call):
        return await wrapped(*args, **kwargs)
