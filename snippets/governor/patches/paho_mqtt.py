"""paho-mqtt: `Client.publish` is below the one-shot functions and every subclass.

The decision is made when `publish` is called: what the network thread sends later, again after a lost connection
included, is that message.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "paho-mqtt"
MODULES = ("paho.mqtt.client",)
FAMILY = "messaging"
NOT_INTERCEPTED = ("paho.mqtt.client.Client.subscribe",)


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.connects(module, "_socketpair_compat")
    patcher.connects(module.Client, "_create_socket", "_create_socket_connection")
    patcher.wrap(module.Client, "publish", _publish)


def _publish(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    topic = args[0] if args else kwargs.get("topic", "")
    topic = topic.decode("utf-8", "replace") if isinstance(topic, bytes) else str(topic)
    payload = args[1] if len(args) > 1 else kwargs.get("payload")
    retain = args[3] if len(args) > 3 else kwargs.get("retain", False)
    destination = f"mqtt://{getattr(instance, '_host', '')}:{getattr(instance, '_port', 1883)}/{topic}"
    call = Call("paho.mqtt.client.Client.publish", "messaging", "send", ("topic", topic), destination, "publish", (payload, bool(retain)))
    with governed_call(call):
        return wrapped(*args, **kwargs)
