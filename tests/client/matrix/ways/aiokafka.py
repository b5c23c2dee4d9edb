"""aiokafka: the producer, and batches."""

from __future__ import annotations

from typing import Any

from ..way import way
from ._kafka import Server as Server

REQUIRES = ("aiokafka", "confluent_kafka")


class _Started:
    def __init__(self, target: Any) -> None:
        import aiokafka

        self._producer = aiokafka.AIOKafkaProducer(bootstrap_servers=target.bootstrap)

    async def __aenter__(self) -> Any:
        await self._producer.start()
        return self._producer

    async def __aexit__(self, *exception: Any) -> None:
        await self._producer.stop()


@way("send_and_wait", faults=True, carriers=("task", "loop-in-thread"))
async def send_and_wait(target: Any) -> Any:
    async with _Started(target) as producer:
        return (await producer.send_and_wait(target.topic, target.marker.encode())).topic


@way("send")
async def send(target: Any) -> Any:
    async with _Started(target) as producer:
        return (await (await producer.send(target.topic, target.marker.encode()))).topic


@way("send_batch")
async def send_batch(target: Any) -> Any:
    async with _Started(target) as producer:
        batch = producer.create_batch()
        batch.append(key=None, value=target.marker.encode(), timestamp=None)
        return (await (await producer.send_batch(batch, target.topic, partition=0))).topic
