"""aiokafka: `AIOKafkaProducer.send` and `send_batch`, delivered later by a task, and what the admin client changes."""

from __future__ import annotations

from governor._gate import governed_call
from governor._kafka import admin_call, administration, record_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "aiokafka"
MODULES = ("aiokafka.producer.producer", "aiokafka.conn", "aiokafka.admin.client")
FAMILY = "messaging"
NOT_INTERCEPTED = ("aiokafka.AIOKafkaConsumer.getone", "aiokafka.AIOKafkaConsumer.getmany", "aiokafka.AIOKafkaConsumer.commit")


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "aiokafka.conn":
        patcher.connects(module.AIOKafkaConnection, "connect")
        return
    if module.__name__ == "aiokafka.admin.client":
        for name in administration(module.AIOKafkaAdminClient):
            patcher.wrap(module.AIOKafkaAdminClient, name, _administer)
        return
    patcher.wrap(module.AIOKafkaProducer, "send", _send)
    patcher.wrap(module.AIOKafkaProducer, "send_batch", _send_batch)


def _bootstrap(producer: Any) -> Any:
    client = getattr(producer, "client", None)
    return getattr(client, "_bootstrap_servers", "")


async def _send(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    topic = args[0] if args else kwargs.get("topic", "")
    record = (args[1:], sorted(kwargs.items(), key=lambda item: item[0]))
    async with governed_call(record_call("aiokafka.AIOKafkaProducer.send", _bootstrap(instance), topic, record)):
        return await wrapped(*args, **kwargs)


async def _send_batch(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    topic = args[1] if len(args) > 1 else kwargs.get("topic", "")
    # The batch is a builder of records that cannot be read here: it is asked each time.
    async with governed_call(record_call("aiokafka.AIOKafkaProducer.send_batch", _bootstrap(instance), topic, object())):
        return await wrapped(*args, **kwargs)


async def _administer(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    bootstrap = getattr(getattr(instance, "_client", None), "_bootstrap_servers", "")
    async with governed_call(admin_call(f"aiokafka.AIOKafkaAdminClient.{wrapped.__name__}", bootstrap, args, kwargs)):
        return await wrapped(*args, **kwargs)
