"""redis-py: commands, pipelines, scripts, pub/sub, locks, sync and async, pooled and captured."""

from __future__ import annotations

import pickle
from typing import Any, Dict

from ..way import way

REQUIRES = ("redis",)
SERVER = "redis"
GEVENT = True
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    _bound["client"] = _client(target)
    _bound["client"].ping()
    _bound["set"] = _bound["client"].set
    _bound["pipeline"] = _bound["client"].pipeline()
    _bound["script"] = _bound["client"].register_script("return redis.call('SET', KEYS[1], ARGV[1])")


def _client(target: Any) -> Any:
    import redis

    return redis.Redis(host=target.host, port=target.port, decode_responses=True)


def _async_client(target: Any) -> Any:
    import redis.asyncio

    return redis.asyncio.Redis(host=target.host, port=target.port, decode_responses=True)


@way("set", carriers=True, faults=True)
def set_key(target: Any) -> Any:
    return _client(target).set(target.marker, 1, ex=30)


@way("get")
def get(target: Any) -> Any:
    return _client(target).get(target.marker)


@way("delete")
def delete(target: Any) -> Any:
    return _client(target).delete(target.marker)


@way("from_url")
def from_url(target: Any) -> Any:
    import redis

    return redis.Redis.from_url(f"redis://{target.host}:{target.port}/0").set(target.marker, 1, ex=30)


@way("execute_command")
def execute_command(target: Any) -> Any:
    return _client(target).execute_command("SET", target.marker, "1", "EX", 30)


@way("pooled")
def pooled(target: Any) -> Any:
    import redis

    pool = redis.ConnectionPool(host=target.host, port=target.port)
    return redis.Redis(connection_pool=pool).set(target.marker, 1, ex=30)


@way("pipeline", effects=2, faults=True)
def pipeline(target: Any) -> Any:
    return _client(target).pipeline(transaction=False).set(target.marker, 1, ex=30).get(target.marker).execute()


@way("transaction", effects=2)
def transaction(target: Any) -> Any:
    return _client(target).pipeline().set(target.marker, 1, ex=30).get(target.marker).execute()


@way("pipeline-watch", decisions=None, effects=3)
def watch(target: Any) -> Any:
    with _client(target).pipeline() as pipe:
        pipe.watch(target.marker)
        value = pipe.get(target.marker)
        pipe.multi()
        pipe.set(target.marker, 1, ex=30)
        return [value, pipe.execute()]


@way("eval")
def evaluate(target: Any) -> Any:
    return _client(target).eval("return redis.call('EXISTS', 'x') and ARGV[1]", 0, target.marker)


@way("publish")
def publish(target: Any) -> Any:
    return _client(target).publish(target.marker, "x")


@way("subscribe")
def subscribe(target: Any) -> Any:
    subscription = _client(target).pubsub()
    subscription.subscribe(target.marker)
    subscription.close()
    return True


@way("lock", decisions=None, effects=None)
def lock(target: Any) -> Any:
    with _client(target).lock(target.marker, timeout=5):
        return True


@way("scan_iter")
def scan_iter(target: Any) -> Any:
    return list(_client(target).scan_iter(match=target.marker + "*", count=100000))


@way("connection.send_command")
def connection(target: Any) -> Any:
    import redis

    pool = redis.ConnectionPool(host=target.host, port=target.port)
    taken = pool.get_connection()
    taken.send_command("SET", target.marker, "1", "EX", 30)
    return taken.read_response()


@way("subclass")
def subclass(target: Any) -> Any:
    import redis

    class Own(redis.Redis):  # type: ignore[type-arg]
        def execute_command(self, *args: Any, **options: Any) -> Any:
            return super().execute_command(*args, **options)

    return Own(host=target.host, port=target.port).set(target.marker, 1, ex=30)


@way("subclass-own-execute")
def subclass_own_execute(target: Any) -> Any:
    import redis

    class Own(redis.Redis):  # type: ignore[type-arg]
        def execute_command(self, *args: Any, **options: Any) -> Any:
            return self._execute_command(*args, **options)

    return Own(host=target.host, port=target.port).set(target.marker, 1, ex=30)


@way("monitor-and-single-connection")
def single_connection(target: Any) -> Any:
    import redis

    client = redis.Redis(host=target.host, port=target.port, single_connection_client=True)
    return client.set(target.marker, 1, ex=30)


@way("bound-client")
def bound_client(target: Any) -> Any:
    return _bound["client"].set(target.marker, 1, ex=30)


@way("bound-method")
def bound_method(target: Any) -> Any:
    return _bound["set"](target.marker, 1, ex=30)


@way("bound-pipeline")
def bound_pipeline(target: Any) -> Any:
    return _bound["pipeline"].set(target.marker, 1, ex=30).execute()


@way("bound-script", decisions=None, effects=None)
def bound_script(target: Any) -> Any:
    return _bound["script"](keys=[target.marker], args=["1"])


@way("pickled-pool-arguments")
def pickled(target: Any) -> Any:
    import redis

    options = pickle.loads(pickle.dumps({"host": target.host, "port": target.port}))
    return redis.Redis(**options).set(target.marker, 1, ex=30)


@way("raises-wrong-type", effects=0)
def raises_wrong_type(target: Any) -> Any:
    return _client(target).execute_command("SET", target.marker)


@way("async-set", carriers=True, faults=True)
async def async_set(target: Any) -> Any:
    async with _async_client(target) as client:
        return await client.set(target.marker, 1, ex=30)


@way("async-pipeline", effects=2)
async def async_pipeline(target: Any) -> Any:
    async with _async_client(target) as client:
        return await client.pipeline(transaction=False).set(target.marker, 1, ex=30).get(target.marker).execute()


@way("async-transaction", effects=2)
async def async_transaction(target: Any) -> Any:
    async with _async_client(target) as client, client.pipeline() as pipe:
        return await pipe.set(target.marker, 1, ex=30).get(target.marker).execute()


@way("async-publish")
async def async_publish(target: Any) -> Any:
    async with _async_client(target) as client:
        return await client.publish(target.marker, "x")


@way("async-subscribe")
async def async_subscribe(target: Any) -> Any:
    async with _async_client(target) as client, client.pubsub() as subscription:
        await subscription.subscribe(target.marker)
        return True
