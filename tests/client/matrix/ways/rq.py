"""RQ: enqueueing over the real Redis; the job's own commands belong to the one decision."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("rq", "redis")
SERVER = "redis"
GEVENT = True


def _queue(target: Any) -> Any:
    import redis
    import rq

    return rq.Queue("governor-matrix", connection=redis.Redis(host=target.host, port=target.port))


@way("enqueue", effects=None, decisions=None, carriers=("thread", "fork"), faults=True)
def enqueue(target: Any) -> Any:
    return type(_queue(target).enqueue("os.path.basename", target.marker)).__name__


@way("enqueue_call", effects=None, decisions=None)
def enqueue_call(target: Any) -> Any:
    return type(_queue(target).enqueue_call("os.path.basename", (target.marker,))).__name__


@way("enqueue_many", effects=None, decisions=None)
def enqueue_many(target: Any) -> Any:
    queue = _queue(target)
    return len(queue.enqueue_many([queue.prepare_data("os.path.basename", (target.marker,))]))


@way("enqueue_in", effects=None, decisions=None)
def enqueue_in(target: Any) -> Any:
    import datetime

    return type(_queue(target).enqueue_in(datetime.timedelta(1), "os.path.basename", target.marker)).__name__
