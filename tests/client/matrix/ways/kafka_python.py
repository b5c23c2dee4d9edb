"""kafka-python: the producer."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way
from ._kafka import Server as Server

GEVENT = True
REQUIRES = ("kafka", "confluent_kafka")
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    _bound["producer"] = _producer(target)


def _producer(target: Any) -> Any:
    import kafka

    return kafka.KafkaProducer(bootstrap_servers=target.bootstrap, api_version=(2, 0), acks=1, enable_idempotence=False, max_block_ms=5000)


@way("send", carriers=("thread", "pool", "to_thread"), faults=True)
def send(target: Any) -> Any:
    producer = _producer(target)
    try:
        return producer.send(target.topic, target.marker.encode()).get(5).topic
    finally:
        producer.close()


@way("send-then-flush")
def send_then_flush(target: Any) -> Any:
    producer = _producer(target)
    try:
        producer.send(target.topic, value=target.marker.encode())
        producer.flush(5)
    finally:
        producer.close()


@way("bound-producer")
def bound_producer(target: Any) -> Any:
    return _bound["producer"].send(target.topic, target.marker.encode()).get(5).topic
