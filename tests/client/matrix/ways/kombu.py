"""kombu: producers, pools and simple queues over the real broker."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("kombu",)
SERVER = "rabbitmq"
GEVENT = True


def _connection(target: Any) -> Any:
    from kombu import Connection

    return Connection(target.amqp)


@way("producer.publish", carriers=True, faults=True)
def publish(target: Any) -> Any:
    with _connection(target) as connection:
        connection.Producer().publish(target.marker, routing_key=target.queue)


@way("publish-with-retry")
def publish_with_retry(target: Any) -> Any:
    with _connection(target) as connection:
        policy = {"max_retries": 2, "interval_start": 0}
        connection.Producer().publish(target.marker, routing_key=target.queue, retry=True, retry_policy=policy)


@way("pooled-producer")
def pooled(target: Any) -> Any:
    from kombu.pools import producers

    with producers[_connection(target)].acquire(block=True) as producer:
        producer.publish(target.marker, routing_key=target.queue)


@way("simple-queue")
def simple_queue(target: Any) -> Any:
    from kombu import Queue

    with _connection(target) as connection:
        queue = connection.SimpleQueue(Queue(target.queue, routing_key=target.queue, durable=True))
        queue.put(target.marker)
        queue.close()


@way("channel.basic_publish")
def channel_publish(target: Any) -> Any:
    import amqp

    with _connection(target) as connection:
        channel = connection.channel()
        channel.basic_publish(amqp.Message(target.marker), routing_key=target.queue)
        channel.close()


@way("channel.basic_publish_confirm")
def channel_publish_confirm(target: Any) -> Any:
    import amqp

    with _connection(target) as connection:
        channel = connection.channel()
        channel.basic_publish_confirm(amqp.Message(target.marker), routing_key=target.queue)
