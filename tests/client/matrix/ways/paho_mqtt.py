"""paho-mqtt: publish at each quality of service, the one-shot functions, the network thread."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("paho.mqtt",)
SERVER = "mosquitto"
GEVENT = True


def _topic(target: Any) -> str:
    return f"governor-matrix/{target.marker}"


def _client(target: Any) -> Any:
    import threading

    import paho.mqtt.client as mqtt

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    connected = threading.Event()
    client.on_connect = lambda *arguments: connected.set()
    client.connect(target.host, target.port)
    client.loop_start()
    connected.wait(5)
    return client


def _publish(target: Any, quality: int) -> Any:
    client = _client(target)
    try:
        info = client.publish(_topic(target), b"x", qos=quality)
        info.wait_for_publish(5)
        return [info.rc, info.is_published()]
    finally:
        client.disconnect()
        client.loop_stop()


@way("publish", carriers=True, faults=True)
def publish(target: Any) -> Any:
    return _publish(target, 1)


@way("publish-at-most-once")
def at_most_once(target: Any) -> Any:
    return _publish(target, 0)


@way("publish-exactly-once")
def exactly_once(target: Any) -> Any:
    return _publish(target, 2)


@way("publish.single", wrapped=True)
def single(target: Any) -> Any:
    from paho.mqtt.publish import single as send

    return send(_topic(target), b"x", hostname=target.host, port=target.port)


@way("publish.multiple", wrapped=True)
def multiple(target: Any) -> Any:
    from paho.mqtt.publish import multiple as send

    return send([(_topic(target), b"x", 1, False)], hostname=target.host, port=target.port)


@way("subclass")
def subclass(target: Any) -> Any:
    import paho.mqtt.client as mqtt

    class Own(mqtt.Client):
        pass

    client = Own(mqtt.CallbackAPIVersion.VERSION2)
    client.connect(target.host, target.port)
    client.loop_start()
    try:
        info = client.publish(_topic(target), b"x", qos=1)
        info.wait_for_publish(5)
        return info.is_published()
    finally:
        client.disconnect()
        client.loop_stop()


@way("raises-bad-topic", effects=0)
def raises_bad_topic(target: Any) -> Any:
    return _client(target).publish("governor-matrix/#", b"x")
