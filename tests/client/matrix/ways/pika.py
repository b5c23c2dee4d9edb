"""pika: the blocking and the select adapter's channel."""

from __future__ import annotations

from typing import Any, Dict, List

from ..way import way

REQUIRES = ("pika",)
SERVER = "rabbitmq"
GEVENT = True
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    _bound["connection"] = _connection(target)
    _bound["channel"] = _bound["connection"].channel()


def _connection(target: Any) -> Any:
    import pika

    return pika.BlockingConnection(pika.URLParameters(target.amqp + "?heartbeat=0"))


@way("basic_publish", carriers=True, faults=True)
def basic_publish(target: Any) -> Any:
    connection = _connection(target)
    connection.channel().basic_publish("", target.queue, target.marker.encode())
    connection.close()


@way("confirmed")
def confirmed(target: Any) -> Any:
    connection = _connection(target)
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_publish("", target.queue, target.marker.encode())
    connection.close()


@way("raw-channel")
def raw_channel(target: Any) -> Any:
    connection = _connection(target)
    channel = connection.channel()
    channel._impl.basic_publish("", target.queue, target.marker.encode())
    connection.close()


@way("bound-channel")
def bound_channel(target: Any) -> Any:
    _bound["channel"].basic_publish("", target.queue, target.marker.encode())
    _bound["connection"].process_data_events(0)


@way("select-connection")
def select_connection(target: Any) -> Any:
    import pika

    problems: List[BaseException] = []

    def opened(channel: Any) -> None:
        try:
            channel.basic_publish("", target.queue, target.marker.encode())
        except BaseException as error:
            problems.append(error)
        channel.connection.close()

    connection = pika.SelectConnection(
        pika.URLParameters(target.amqp),
        on_open_callback=lambda made: made.channel(on_open_callback=opened),
        on_close_callback=lambda made, reason: made.ioloop.stop(),
    )
    connection.ioloop.start()
    if problems:
        raise problems[0]


@way("raises-closed-channel", effects=0)
def raises_closed(target: Any) -> Any:
    connection = _connection(target)
    channel = connection.channel()
    channel.close()
    channel.basic_publish("", target.queue, target.marker.encode())
