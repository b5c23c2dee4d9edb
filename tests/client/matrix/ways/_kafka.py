"""librdkafka's own mock cluster as the broker: real protocol, read back with a real consumer."""

from __future__ import annotations

import time
from typing import Any, Dict

from ..servers import Tally, Target

TOPIC = "governor-matrix"


class Server(Tally):
    def __init__(self) -> None:
        super().__init__()
        from confluent_kafka import Consumer, Producer, TopicPartition

        self._cluster: Any = Producer({"bootstrap.servers": "127.0.0.1:1", "test.mock.num.brokers": 1, "log_level": 0})
        until = time.monotonic() + 10
        while not self._cluster.list_topics(TOPIC, timeout=5).topics[TOPIC].partitions and time.monotonic() < until:
            time.sleep(0.05)
        broker = next(iter(self._cluster.list_topics(timeout=5).brokers.values()))
        self._bootstrap = f"{broker.host}:{broker.port}"
        settings: Dict[str, Any] = {
            "bootstrap.servers": self._bootstrap, "group.id": "matrix", "fetch.wait.max.ms": 5, "log_level": 0,
            "enable.partition.eof": False,
        }  # fmt: skip
        self._consumer = Consumer(settings)
        partitions = self._cluster.list_topics(TOPIC, timeout=5).topics[TOPIC].partitions
        self._consumer.assign([TopicPartition(TOPIC, number, 0) for number in partitions])

    def address(self) -> Target:
        return {"bootstrap": self._bootstrap, "topic": TOPIC}

    def count(self, marker: str) -> int:
        message = self._consumer.poll(0.02)
        while message is not None:
            if message.error() is None:
                self.arrived(message.value() or b"")
            message = self._consumer.poll(0.005)
        return self.seen[marker]
