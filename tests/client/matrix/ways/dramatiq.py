"""dramatiq: actors over the real Redis."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("dramatiq", "redis")
SERVER = "redis"


def _actor(target: Any) -> Any:
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker

    broker = RedisBroker(host=target.host, port=target.port, namespace="governor-matrix")

    def work(marker: str) -> str:
        return marker

    return dramatiq.actor(work, broker=broker, queue_name="matrix")


@way("send", effects=None, carriers=("thread", "fork"), faults=True)
def send(target: Any) -> Any:
    return _actor(target).send(target.marker).queue_name


@way("send_with_options", effects=None)
def send_with_options(target: Any) -> Any:
    return _actor(target).send_with_options(args=(target.marker,), delay=5000).queue_name


@way("broker.enqueue", effects=None)
def broker_enqueue(target: Any) -> Any:
    actor = _actor(target)
    return actor.broker.enqueue(actor.message(target.marker)).queue_name
