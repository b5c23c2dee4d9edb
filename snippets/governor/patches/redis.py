"""redis: `execute_command` is what every command method calls; a pipeline is one decision with all its commands.

Scripts, locks, pub/sub and the cluster's clients end there too. Below them stands the connection's own
`send_command`, for code that takes a connection from the pool or overrides `execute_command`. What opens and checks
a connection (AUTH, HELLO, PING, ...) is not asked.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call, passing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "redis"
MODULES = (
    "redis.client", "redis.cluster", "redis.connection", "redis.asyncio.client", "redis.asyncio.cluster", "redis.asyncio.connection",
)  # fmt: skip
FAMILY = "database"

_HOUSEKEEPING = frozenset("PING AUTH HELLO SELECT READONLY READWRITE ASKING QUIT RESET UNWATCH MULTI EXEC DISCARD COMMAND".split())
_CLIENT_HOUSEKEEPING = frozenset("SETINFO SETNAME GETNAME ID INFO TRACKING CACHING NO-EVICT NO-TOUCH MAINT_NOTIFICATIONS".split())
_READS = frozenset(
    "GET MGET EXISTS TYPE TTL PTTL EXPIRETIME PEXPIRETIME KEYS SCAN STRLEN GETRANGE SUBSTR GETBIT BITCOUNT BITPOS BITFIELD_RO HGET HMGET HGETALL"
    " HKEYS HVALS HLEN HEXISTS HSTRLEN HSCAN HRANDFIELD HTTL LRANGE LLEN LINDEX LPOS SMEMBERS SISMEMBER SMISMEMBER SCARD SRANDMEMBER SSCAN SINTER"
    " SUNION SDIFF SINTERCARD ZRANGE ZREVRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZRANGEBYLEX ZSCORE ZMSCORE ZCARD ZCOUNT ZLEXCOUNT ZRANK ZREVRANK"
    " ZSCAN ZRANDMEMBER ZDIFF ZINTER ZUNION XRANGE XREVRANGE XLEN XREAD XINFO XPENDING PFCOUNT GEOPOS GEODIST GEOHASH GEOSEARCH OBJECT DUMP"
    " RANDOMKEY DBSIZE INFO TIME LASTSAVE MEMORY ECHO ROLE LOLWUT SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE PUBSUB"
    " SORT_RO LCS WAIT WATCH MONITOR".split()
)
_DELETES = frozenset(
    "DEL UNLINK GETDEL FLUSHDB FLUSHALL HDEL LREM LPOP RPOP SREM SPOP ZREM ZPOPMIN ZPOPMAX ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREMRANGEBYLEX"
    " BLPOP BRPOP BZPOPMIN BZPOPMAX XDEL XTRIM LTRIM LMPOP ZMPOP".split()
)
_EXECUTES = frozenset("EVAL EVALSHA EVAL_RO EVALSHA_RO FCALL FCALL_RO SCRIPT FUNCTION SHUTDOWN DEBUG MODULE".split())
_SENDS = frozenset(("PUBLISH", "SPUBLISH"))
_RANK = ("read", "send", "write", "execute", "delete")


def install(module: ModuleType, patcher: Patcher) -> None:
    asynchronous = ".asyncio." in module.__name__
    run = _run_async if asynchronous else _run
    if module.__name__.endswith(".connection"):
        connection = getattr(module, "AbstractConnection", None) or module.Connection
        for name in ("send_command", "send_packed_command"):
            patcher.wrap(connection, name, _send_async if asynchronous else _send)
        patcher.connects(connection, "connect")
    elif module.__name__.endswith(".cluster"):
        patcher.wrap(module.RedisCluster, "execute_command", run)
        patcher.wrap(module.RedisCluster, "initialize", _keep_house_async if asynchronous else _keep_house, optional=True)
        patcher.wrap(module.NodesManager, "initialize", _keep_house_async if asynchronous else _keep_house, optional=True)
        patcher.wrap(module.ClusterPipeline, "execute", _pipeline_async if asynchronous else _pipeline)
    else:
        patcher.wrap(module.Redis, "execute_command", run)
        patcher.wrap(module.PubSub, "execute_command", run)
        patcher.wrap(module.Pipeline, "execute", _pipeline_async if asynchronous else _pipeline)
        patcher.wrap(module.Pipeline, "immediate_execute_command", run)


def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    call = _call_of(server_of(instance), [args])
    if call is None:
        return wrapped(*args, **kwargs)
    with governed_call(call), passing("database"):
        return wrapped(*args, **kwargs)


async def _run_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    call = _call_of(server_of(instance), [args])
    if call is None:
        return await wrapped(*args, **kwargs)
    async with governed_call(call):
        with passing("database"):
            return await wrapped(*args, **kwargs)


def _pipeline(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    call = _call_of(server_of(instance), _queued(instance))
    if call is None:
        return wrapped(*args, **kwargs)
    guard = governed_call(call)
    try:
        guard.__enter__()
    except BaseException:
        # As after every failure: what was queued must not go out with the next commands.
        instance.reset()
        raise
    try:
        with passing("database"):
            return wrapped(*args, **kwargs)
    finally:
        guard.__exit__()


async def _pipeline_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    call = _call_of(server_of(instance), _queued(instance))
    if call is None:
        return await wrapped(*args, **kwargs)
    guard = governed_call(call)
    try:
        await guard.__aenter__()
    except BaseException:
        reset = instance.reset()
        if hasattr(reset, "__await__"):
            await reset
        raise
    try:
        with passing("database"):
            return await wrapped(*args, **kwargs)
    finally:
        await guard.__aexit__()


def _send(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    call = _call_of(_connection_url(instance), [args])
    if call is None:
        # `send_packed_command` below it cannot tell what is packed.
        with passing("database"):
            return wrapped(*args, **kwargs)
    with governed_call(call), passing("database"):
        return wrapped(*args, **kwargs)


async def _send_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    call = _call_of(_connection_url(instance), [args])
    if call is None:
        with passing("database"):
            return await wrapped(*args, **kwargs)
    async with governed_call(call):
        with passing("database"):
            return await wrapped(*args, **kwargs)


def _keep_house(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with passing("database"):
        return wrapped(*args, **kwargs)


async def _keep_house_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with passing("database"):
        return await wrapped(*args, **kwargs)


def _queued(pipeline: Any) -> list[Any]:
    strategy = getattr(pipeline, "_execution_strategy", None)
    queue = getattr(strategy, "command_queue", None) or getattr(strategy, "_command_queue", None) or getattr(pipeline, "command_stack", None)
    return [getattr(item, "args", None) or item[0] for item in queue or ()]


def _call_of(destination: str, commands: Sequence[Any]) -> Call | None:
    """One call for all commands; None where there are only those that keep a connection."""
    names: dict[str, None] = {}
    keys: dict[str, None] = {}
    worst = ""
    for arguments in commands:
        name = _text(arguments[0] if arguments else "").upper()
        name, _, rest = name.partition(" ")
        action = _action(name, rest or _text(arguments[1] if len(arguments) > 1 else "").upper())
        if not action:
            continue
        names[name] = None
        worst = action if not worst or _RANK.index(action) > _RANK.index(worst) else worst
        key = _key(name, arguments)
        if key:
            keys[key] = None
    if not names:
        return None
    method = " ".join(names)[:80]
    qualified_name = f"redis.Redis.{method.lower()}" if len(commands) == 1 else "redis.client.Pipeline.execute"
    resource = ("cache", ",".join(list(keys)[:8]) or destination.rpartition("/")[2] or "redis")
    arguments = tuple(commands[0]) if len(commands) == 1 else [tuple(one) for one in commands]
    return Call(qualified_name, "database", worst, resource, destination, method, arguments)


def _action(name: str, subcommand: str) -> str:
    if name in _HOUSEKEEPING or (name == "CLIENT" and subcommand in _CLIENT_HOUSEKEEPING) or (name == "CLUSTER" and subcommand == "SLOTS"):
        return ""
    if name in _READS or (name == "CONFIG" and subcommand == "GET"):
        return "read"
    return "delete" if name in _DELETES else "execute" if name in _EXECUTES else "send" if name in _SENDS else "write"


def _key(name: str, arguments: Any) -> str:
    """The key's namespace, `session` of `session:42`: what a table is to a row."""
    if len(arguments) < 2 or name in ("EVAL", "EVALSHA", "FCALL", "SCAN", "CONFIG", "CLIENT", "SCRIPT", "FLUSHDB", "FLUSHALL"):
        return ""
    return _text(arguments[1]).partition(":")[0]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else str(value)


def server_of(client: Any) -> str:
    """The server of a client, as a URL."""
    pool = getattr(client, "connection_pool", None)
    settings = getattr(pool, "connection_kwargs", None)
    if not isinstance(settings, dict):
        # A cluster's client: its nodes may change, the ones that it was given do not.
        nodes = getattr(getattr(client, "nodes_manager", None), "startup_nodes", None)
        return f"redis://{next(iter(sorted(str(name) for name in nodes or ())), 'cluster')}/"
    if "host" not in settings and getattr(pool, "service_name", None):
        return f"redis+sentinel://{pool.service_name}/{settings.get('db') or 0}"  # type: ignore[union-attr]
    return _url(settings.get("host", "localhost"), settings.get("port", 6379), settings.get("db", 0), settings.get("path"))


def _connection_url(connection: Any) -> str:
    get = connection.__dict__.get
    return _url(get("host", "localhost"), get("port", 6379), get("db", 0), get("path"))


def _url(host: Any, port: Any, database: Any, path: Any) -> str:
    return f"redis+unix://localhost{path}" if path else f"redis://{host}:{port}/{database or 0}"
