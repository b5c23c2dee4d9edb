"""dramatiq: each broker's `enqueue` is what actors, pipelines and groups call; its transport belongs to the call.

The stub broker keeps its messages in memory and is left alone.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "dramatiq"
MODULES = ("dramatiq.brokers.redis", "dramatiq.brokers.rabbitmq")
FAMILY = "messaging"


def install(module: ModuleType, patcher: Patcher) -> None:
    for name in ("RedisBroker", "RabbitmqBroker"):
        if name in vars(module):
            patcher.wrap(getattr(module, name), "enqueue", _enqueue)


def _enqueue(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    message = args[0] if args else kwargs.get("message")
    actor = str(getattr(message, "actor_name", ""))
    arguments = (actor, getattr(message, "args", None), getattr(message, "kwargs", None), kwargs.get("delay"))
    call = Call("dramatiq.Broker.enqueue", "messaging", "send", ("task", actor), _destination(instance), "enqueue", arguments, carries=("database",))
    with governed_call(call):
        return wrapped(*args, **kwargs)


def _destination(broker: Any) -> str:
    client = getattr(broker, "client", None)
    if hasattr(client, "connection_pool"):
        from governor.patches.redis import server_of

        return server_of(client)
    from governor.patches.pika import amqp_url

    parameters = getattr(broker, "parameters", None)
    return amqp_url(parameters[0] if isinstance(parameters, (list, tuple)) and parameters else parameters)
