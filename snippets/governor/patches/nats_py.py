"""nats-py: `Client.publish` and `Client.request`; JetStream and a message's `respond` go through them.

What JetStream's consumers send by themselves (acknowledgements, flow control) is not asked.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "nats-py"
MODULES = ("nats.aio.client",)
FAMILY = "messaging"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.connects(module.Client, "_select_next_server")
    patcher.wrap(module.Client, "publish", _publish)
    patcher.wrap(module.Client, "request", _publish)


async def _publish(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    subject = str(args[0] if args else kwargs.get("subject", ""))
    if subject.startswith(("$JS.ACK.", "$JS.FC.")):
        return await wrapped(*args, **kwargs)
    payload = args[1] if len(args) > 1 else kwargs.get("payload", b"")
    url = getattr(instance, "connected_url", None)
    destination = f"nats://{url.hostname}:{url.port}/{subject}" if url is not None else f"nats:///{subject}"
    method = wrapped.__name__
    arguments = (payload, kwargs.get("headers"))
    async with governed_call(Call(f"nats.aio.client.Client.{method}", "messaging", "send", ("topic", subject), destination, method, arguments)):
        return await wrapped(*args, **kwargs)
