"""confluent-kafka: the producer is a C type without a socket or an audit event in Python, so a subclass takes its name.

`SerializingProducer` was derived from the C type before and is taken in its own `produce`. Producers made before `enable()` are
not governed, but reported; a module that captured the class by name gets the subclass.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call
from governor._kafka import admin_call, administration, record_call
from governor._statement import rebind_class, stand_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "confluent-kafka"
MODULES = ("confluent_kafka.cimpl", "confluent_kafka.serializing_producer", "confluent_kafka.admin", "confluent_kafka")
FAMILY = "messaging"
NOT_INTERCEPTED = (
    "confluent_kafka.Producer.flush",
    "confluent_kafka.Producer.commit_transaction",
    "confluent_kafka.Consumer.subscribe",
    "confluent_kafka.Consumer.poll",
    "confluent_kafka.Consumer.consume",
    "confluent_kafka.Consumer.commit",
)


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "confluent_kafka.serializing_producer":
        for name in ("__init__", "produce"):
            patcher.wrap(module.SerializingProducer, name, _make if name == "__init__" else _produce)
        return
    if module.__name__ == "confluent_kafka.admin":
        for name in administration(module.AdminClient):
            patcher.wrap(module.AdminClient, name, _administer)
        return
    original = vars(module).get("Producer")
    if isinstance(original, type):
        governed = stand_in(original, _ProducerGate)
        patcher.on_living(getattr(original, "_governor_original", original), _ungoverned)
        patcher.replace(module, "Producer", governed)
        rebind_class(original, governed, patcher)


def _ungoverned(producer: Any) -> Call | None:
    if getattr(type(producer).produce, "__governor__", False):
        return None
    return Call("confluent_kafka.Producer", "messaging", "send", ("topic", "unknown"), "kafka:///")


def _settings(args: Any, kwargs: Any) -> str:
    settings = args[0] if args and isinstance(args[0], dict) else kwargs
    return str(settings.get("bootstrap.servers", settings.get("metadata.broker.list", "")))


def _make(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    instance.__dict__["_governor_bootstrap"] = _settings(args, kwargs)
    return wrapped(*args, **kwargs)


def _call_of(name: str, producer: Any, args: Any, kwargs: Any) -> Any:
    topic = args[0] if args else kwargs.get("topic", "")
    given = {key: value for key, value in kwargs.items() if key not in ("callback", "on_delivery")}
    bootstrap = producer.__dict__.get("_governor_bootstrap", "")
    return governed_call(record_call(f"confluent_kafka.{name}", bootstrap, topic, args[1:3], given))


def _produce(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with _call_of("SerializingProducer.produce", instance, args, kwargs):
        return wrapped(*args, **kwargs)


def _administer(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with governed_call(admin_call(f"confluent_kafka.admin.AdminClient.{wrapped.__name__}", "", args, kwargs)):
        return wrapped(*args, **kwargs)


class _ProducerGate:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__["_governor_bootstrap"] = _settings(args, kwargs)
        super().__init__(*args, **kwargs)

    def produce(self, *args: Any, **kwargs: Any) -> Any:
        with _call_of("Producer.produce", self, args, kwargs):
            return super().produce(*args, **kwargs)  # type: ignore[misc]

    def produce_batch(self, topic: Any, messages: Any, *args: Any, **kwargs: Any) -> Any:
        with _call_of("Producer.produce_batch", self, (topic, messages), kwargs):
            return super().produce_batch(topic, messages, *args, **kwargs)  # type: ignore[misc]
