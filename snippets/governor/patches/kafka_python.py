"""kafka-python: `KafkaProducer.send`, delivered later by a background thread, and what the admin client changes."""

from __future__ import annotations

from governor._gate import governed_call
from governor._kafka import admin_call, administration, record_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "kafka-python"
MODULES = ("kafka.producer.kafka", "kafka.admin.client", "kafka.conn", "kafka.net.inet")
FAMILY = "messaging"
NOT_INTERCEPTED = (
    "kafka.KafkaProducer.flush",
    "kafka.KafkaProducer.commit_transaction",
    "kafka.KafkaConsumer.subscribe",
    "kafka.KafkaConsumer.poll",
    "kafka.KafkaConsumer.commit",
)


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "kafka.producer.kafka":
        patcher.wrap(module.KafkaProducer, "send", _send)
        return
    if module.__name__ in ("kafka.conn", "kafka.net.inet"):
        for kind, name in (("BrokerConnection", "connect"), ("KafkaNetSocket", "connect_ex")):
            if kind in vars(module):
                patcher.connects(vars(module)[kind], name)
        return
    for name in administration(module.KafkaAdminClient):
        patcher.wrap(module.KafkaAdminClient, name, _administer)


def _send(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    topic = args[0] if args else kwargs.get("topic", "")
    bootstrap = getattr(instance, "config", {}).get("bootstrap_servers", "")
    record = (args[1:], sorted(kwargs.items(), key=lambda item: item[0]))
    with governed_call(record_call("kafka.KafkaProducer.send", bootstrap, topic, record)):
        return wrapped(*args, **kwargs)


def _administer(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    bootstrap = getattr(instance, "config", {}).get("bootstrap_servers", "")
    with governed_call(admin_call(f"kafka.KafkaAdminClient.{wrapped.__name__}", bootstrap, args, kwargs)):
        return wrapped(*args, **kwargs)
