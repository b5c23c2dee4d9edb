"""kombu: `Producer.publish` is below its pools, simple queues and Celery, above every transport and its retries.

The transports' own layers belong to the call: Redis commands to the broker's host, and AWS's for SQS.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call, passing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "kombu"
MODULES = ("kombu.messaging", "kombu.entity", "amqp.channel", "amqp.transport")
FAMILY = "messaging"
NOT_INTERCEPTED = ("kombu.Queue.declare",)


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "kombu.messaging":
        patcher.wrap(module.Producer, "publish", _publish)
        return
    if module.__name__ == "amqp.transport":
        patcher.connects(module._AbstractTransport, "connect")
        return
    if module.__name__ == "amqp.channel":
        patcher.wrap(module.Channel, "_basic_publish", _publish_by_channel)
        for name in ("queue_delete", "queue_purge", "exchange_delete"):
            patcher.wrap(module.Channel, name, _delete_by_channel)
        return
    for kind in (module.Queue, module.Exchange):
        for name in ("delete", "purge"):
            if name in vars(kind):
                patcher.wrap(kind, name, _delete)


def broker_url(connection: Any) -> str:
    """A broker's URL without its password; empty where it cannot be told."""
    try:
        return str(connection.as_uri())
    except Exception:
        # A connection that is closed, or of a transport that knows no URL.
        return ""


def broker_hosts(url: str) -> tuple[str, ...]:
    return ("amazonaws.com",) if url.startswith("sqs") else ()


def _publish(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    body = args[0] if args else kwargs.get("body")
    routing_key = (args[1] if len(args) > 1 else kwargs.get("routing_key")) or getattr(instance, "routing_key", "")
    exchange = kwargs.get("exchange") or getattr(instance, "exchange", "")
    exchange = getattr(exchange, "name", exchange) or ""
    url = broker_url(getattr(instance, "connection", None))
    name = f"{exchange}/{routing_key}".strip("/") if exchange else str(routing_key)
    call = Call(
        "kombu.messaging.Producer.publish", "messaging", "send", ("exchange" if exchange else "queue", name), url, "publish",
        (body, kwargs.get("headers")), carries=("database", "cloud", "http"), hosts=broker_hosts(url),
    )  # fmt: skip
    with governed_call(call), passing("messaging"):
        return wrapped(*args, **kwargs)


def _delete(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    kind, method = type(instance).__name__.lower(), wrapped.__name__
    url = broker_url(getattr(getattr(instance, "channel", None), "connection", None))
    call = Call(
        f"kombu.{type(instance).__name__}.{method}", "messaging", "delete", (kind, str(instance.name)), url, method,
        (args, sorted(kwargs)), carries=("database", "cloud", "http"), hosts=broker_hosts(url),
    )  # fmt: skip
    with governed_call(call), passing("messaging"):
        return wrapped(*args, **kwargs)


# py-amqp's own channel, for code that uses it without kombu


def _amqp_url(channel: Any) -> str:
    connection = getattr(channel, "connection", None)
    host, virtual_host = getattr(connection, "host", ""), str(getattr(connection, "virtual_host", "/"))
    return f"amqp://{host}/{virtual_host.lstrip('/')}"


def _publish_by_channel(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    given = dict(zip(("msg", "exchange", "routing_key"), args))
    given.update(kwargs)
    exchange, routing_key, message = str(given.get("exchange") or ""), str(given.get("routing_key") or ""), given.get("msg")
    name = f"{exchange}/{routing_key}".strip("/") if exchange else routing_key
    body, headers = getattr(message, "body", message), getattr(message, "headers", None)
    resource = ("exchange" if exchange else "queue", name)
    with governed_call(Call("amqp.Channel.basic_publish", "messaging", "send", resource, _amqp_url(instance), "publish", (body, headers))):
        return wrapped(*args, **kwargs)


def _delete_by_channel(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    method = wrapped.__name__
    kind = method.partition("_")[0]
    name = str(args[0] if args else kwargs.get(kind, ""))
    with governed_call(Call(f"amqp.Channel.{method}", "messaging", "delete", (kind, name), _amqp_url(instance), method, (args, sorted(kwargs)))):
        return wrapped(*args, **kwargs)
