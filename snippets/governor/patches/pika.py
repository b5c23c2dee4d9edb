"""pika: `Channel.basic_publish` is below the blocking channel and every asynchronous adapter.

Declaring, binding, deleting and purging are taken with it; reading is left to the broker's own permissions.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "pika"
MODULES = ("pika.channel", "pika.adapters.utils.io_services_utils", "pika.compat")
FAMILY = "messaging"
NOT_INTERCEPTED = (
    "pika.adapters.blocking_connection.BlockingChannel.basic_get",
    "pika.adapters.blocking_connection.BlockingChannel.basic_consume",
    "pika.adapters.blocking_connection.BlockingChannel.consume",
    "pika.adapters.blocking_connection.BlockingChannel.basic_ack",
    "pika.adapters.blocking_connection.BlockingChannel.basic_nack",
    "pika.adapters.blocking_connection.BlockingChannel.basic_reject",
)


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "pika.compat":
        patcher.connects(module, "_nonblocking_socketpair", "nonblocking_socketpair")
        return
    if module.__name__ != "pika.channel":
        patcher.connects(module._AsyncSocketConnector, "_start_async")
        return
    patcher.wrap(module.Channel, "basic_publish", _publish)
    for name in ("queue_delete", "queue_purge", "exchange_delete", "queue_declare", "exchange_declare", "queue_bind", "exchange_bind"):
        patcher.wrap(module.Channel, name, _administer)


def amqp_url(parameters: Any) -> str:
    """A broker, as pika's connection parameters name it."""
    host, port = getattr(parameters, "host", "localhost"), getattr(parameters, "port", 5672)
    return f"amqp://{host}:{port}/{str(getattr(parameters, 'virtual_host', '/')).lstrip('/')}"


def _publish(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    exchange, routing_key, body = (args + (None, None, None))[:3]
    exchange = kwargs.get("exchange", exchange)
    routing_key = kwargs.get("routing_key", routing_key)
    body = kwargs.get("body", body)
    properties = args[3] if len(args) > 3 else kwargs.get("properties")
    headers = getattr(properties, "headers", None)
    name = str(routing_key or exchange or "")
    resource = ("queue", name) if not exchange else ("exchange", f"{exchange}/{routing_key}" if routing_key else str(exchange))
    arguments = (exchange, routing_key, body, headers)
    destination = amqp_url(getattr(instance.connection, "params", None))
    with governed_call(Call("pika.channel.Channel.basic_publish", "messaging", "send", resource, destination, "publish", arguments)):
        return wrapped(*args, **kwargs)


def _administer(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    name = str(args[0] if args else kwargs.get("queue", kwargs.get("exchange", "")))
    method = wrapped.__name__
    action = "delete" if method.endswith(("delete", "purge")) else "read" if kwargs.get("passive") else "write"
    resource = (method.partition("_")[0], name)
    destination = amqp_url(getattr(instance.connection, "params", None))
    given = (args, sorted((key, str(value)) for key, value in kwargs.items() if not callable(value)))
    with governed_call(Call(f"pika.channel.Channel.{method}", "messaging", action, resource, destination, method, given)):
        return wrapped(*args, **kwargs)
