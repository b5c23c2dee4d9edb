"""websockets: the opening handshake of all three client implementations; the asyncio one is asked before it connects.

The decision is the connection's: the messages that go over it later are part of it. Each hop of a redirect shakes hands
again and is asked again.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "websockets"
MODULES = ("websockets.asyncio.client", "websockets.sync.client", "websockets.legacy.client")
FAMILY = "http"


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "websockets.asyncio.client":
        # Version 17 calls `connect` what was `create_connection`.
        if patcher.wrap(module.connect, "create_connection", _connect, optional=True) is None:
            patcher.wrap(module.connect, "connect", _connect)
    elif module.__name__ == "websockets.sync.client":
        patcher.connects(module, "connect")
        patcher.wrap(module.ClientConnection, "handshake", _handshake)
    else:
        patcher.connects(module.Connect, "__await_impl__")
        patcher.wrap(module.WebSocketClientProtocol, "handshake", _handshake_async)


def _call_of(url: str) -> Call:
    return Call("websockets.connect", "http", "send", None, url, "GET", "websocket")


def _url_of(connection: Any, args: Any) -> str:
    uri = getattr(getattr(connection, "protocol", None), "uri", None) or getattr(connection, "wsuri", None) or (args[0] if args else None)
    host = str(getattr(uri, "host", ""))
    host = f"[{host}]" if ":" in host else host
    scheme = "wss" if getattr(uri, "secure", False) else "ws"
    return f"{scheme}://{host}:{getattr(uri, 'port', 80)}{getattr(uri, 'resource_name', '/')}"


async def _connect(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with governed_call(_call_of(str(instance.uri))):
        return await wrapped(*args, **kwargs)


def _handshake(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with governed_call(_call_of(_url_of(instance, args))):
        return wrapped(*args, **kwargs)


async def _handshake_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with governed_call(_call_of(_url_of(instance, args))):
        return await wrapped(*args, **kwargs)
