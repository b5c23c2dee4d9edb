"""websockets: connecting, and each message sent, sync and async."""

from __future__ import annotations

import threading
from typing import Any

from ..servers import Tally, Target
from ..way import way

GEVENT = True
REQUIRES = ("websockets",)


class Server(Tally):
    """Counts handshakes by path; what is said afterwards belongs to the connection that was allowed."""

    def __init__(self) -> None:
        super().__init__()
        from websockets.sync.server import serve

        def handle(connection: Any) -> None:
            self.arrived(connection.request.path.encode())
            for message in connection:
                connection.send(message)

        self._server = serve(handle, "127.0.0.1", 0)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def address(self) -> Target:
        return {"ws": f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"}


@way("sync-connect", carriers=("thread", "pool", "to_thread", "fork"), faults=True)
def sync_connect(target: Any) -> Any:
    from websockets.sync.client import connect

    with connect(f"{target.ws}/{target.marker}") as connection:
        connection.send("x")
        return connection.recv()


@way("connect", faults=True)
async def connect_async(target: Any) -> Any:
    import websockets

    async with websockets.connect(f"{target.ws}/{target.marker}") as connection:
        await connection.send("x")
        return await connection.recv()


@way("awaited-connect")
async def awaited_connect(target: Any) -> Any:
    from websockets.asyncio.client import connect

    connection = await connect(f"{target.ws}/{target.marker}")
    try:
        await connection.send("x")
        return await connection.recv()
    finally:
        await connection.close()


@way("legacy-connect")
async def legacy_connect(target: Any) -> Any:
    from websockets.legacy.client import connect

    async with connect(f"{target.ws}/{target.marker}") as connection:
        await connection.send("x")
        return await connection.recv()


@way("reconnecting")
async def reconnecting(target: Any) -> Any:
    import websockets

    async for connection in websockets.connect(f"{target.ws}/{target.marker}"):
        await connection.send("x")
        return await connection.recv()
