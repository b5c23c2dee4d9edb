"""aio-pika: `aiormq.Channel.basic_publish` is below every exchange, transaction and pattern; `Exchange.publish` is above.

Deleting and purging are taken with it. A robust connection declares its queues again by itself; that is not asked.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "aio-pika"
MODULES = ("aio_pika.exchange", "aiormq.channel", "aiormq.connection")
FAMILY = "messaging"
NOT_INTERCEPTED = ("aio_pika.Channel.declare_queue", "aio_pika.Channel.declare_exchange")


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "aio_pika.exchange":
        patcher.wrap(module.Exchange, "publish", _publish_message)
        return
    if module.__name__ == "aiormq.connection":
        patcher.connects(module.Connection, "connect")
        return
    patcher.wrap(module.Channel, "basic_publish", _basic_publish)
    for name in ("queue_delete", "queue_purge", "exchange_delete"):
        patcher.wrap(module.Channel, name, _delete)


def _call_of(qualified_name: str, destination: str, exchange: Any, routing_key: Any, body: Any, headers: Any) -> Call:
    name = f"{exchange}/{routing_key}".strip("/") if exchange else str(routing_key or "")
    arguments = (exchange, routing_key, body, dict(headers) if headers else None)
    return Call(qualified_name, "messaging", "send", ("exchange" if exchange else "queue", name), destination, "publish", arguments)


async def _publish_message(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    message = args[0] if args else kwargs.get("message")
    routing_key = args[1] if len(args) > 1 else kwargs.get("routing_key", "")
    destination = _url_of(getattr(instance, "channel", None))
    body, headers = getattr(message, "body", None), getattr(message, "headers", None)
    async with governed_call(_call_of("aio_pika.Exchange.publish", destination, instance.name, routing_key, body, headers)):
        return await wrapped(*args, **kwargs)


async def _basic_publish(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    body = args[0] if args else kwargs.get("body")
    headers = getattr(kwargs.get("properties"), "headers", None)
    exchange, routing_key = kwargs.get("exchange", ""), kwargs.get("routing_key", "")
    async with governed_call(_call_of("aiormq.Channel.basic_publish", _url_of(instance), exchange, routing_key, body, headers)):
        return await wrapped(*args, **kwargs)


async def _delete(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    name = str(args[0] if args else kwargs.get("queue", kwargs.get("exchange", "")))
    method = wrapped.__name__
    resource = (method.partition("_")[0], name)
    call = Call(f"aiormq.Channel.{method}", "messaging", "delete", resource, _url_of(instance), method, (args, sorted(kwargs)))
    async with governed_call(call):
        return await wrapped(*args, **kwargs)


def _url_of(channel: Any) -> str:
    """The broker of aio-pika's or aiormq's channel: each has a connection that has a URL."""
    connection = getattr(channel, "connection", None) or getattr(channel, "_connection", None)
    url = getattr(connection, "url", None)
    host, port, path = getattr(url, "host", ""), getattr(url, "port", ""), getattr(url, "path", "/")
    return f"amqp://{host}:{port or 5672}{path}"
