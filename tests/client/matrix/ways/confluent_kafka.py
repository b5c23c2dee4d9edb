"""confluent-kafka: the producer and its serializing subclass."""

from __future__ import annotations

from typing import Any

from ..way import way
from ._kafka import Server as Server

REQUIRES = ("confluent_kafka",)


def prepare(target: Any) -> None:
    global Producer
    from confluent_kafka import Producer


def _send(producer: Any, target: Any) -> Any:
    producer.produce(target.topic, target.marker.encode())
    return producer.flush(5)


@way("produce", carriers=("thread", "pool", "to_thread", "spawn"), faults=True)
def produce(target: Any) -> Any:
    import confluent_kafka

    return _send(confluent_kafka.Producer({"bootstrap.servers": target.bootstrap}), target)


@way("serializing-producer")
def serializing(target: Any) -> Any:
    from confluent_kafka import SerializingProducer

    producer = SerializingProducer({"bootstrap.servers": target.bootstrap})
    producer.produce(target.topic, value=target.marker.encode())
    return producer.flush(5)


@way("subclass")
def subclass(target: Any) -> Any:
    import confluent_kafka

    class Own(confluent_kafka.Producer):  # type: ignore[misc]
        pass

    return _send(Own({"bootstrap.servers": target.bootstrap}), target)


@way("captured-global-class")
def captured_class(target: Any) -> Any:
    return _send(Producer({"bootstrap.servers": target.bootstrap}), target)


@way("cimpl-producer")
def cimpl(target: Any) -> Any:
    from confluent_kafka import cimpl

    return _send(cimpl.Producer({"bootstrap.servers": target.bootstrap}), target)
