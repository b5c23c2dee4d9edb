"""grpcio: unary and streaming calls, with channels made by every function, sync and asyncio."""

from __future__ import annotations

from typing import Any, Dict

from ..servers import Tally, Target
from ..way import way

REQUIRES = ("grpc",)
_bound: Dict[str, Any] = {}


class Server(Tally):
    """Counts the requests of four methods, one of each shape."""

    def __init__(self) -> None:
        super().__init__()
        from concurrent import futures

        import grpc

        def unary(request: bytes, context: Any) -> bytes:
            self.arrived(request)
            return b"ok"

        def from_stream(requests: Any, context: Any) -> bytes:
            for request in requests:
                self.arrived(request)
            return b"ok"

        handlers = {
            "UnaryUnary": grpc.unary_unary_rpc_method_handler(unary),
            "UnaryStream": grpc.unary_stream_rpc_method_handler(lambda request, context: iter([unary(request, context)])),
            "StreamUnary": grpc.stream_unary_rpc_method_handler(from_stream),
            "StreamStream": grpc.stream_stream_rpc_method_handler(lambda requests, context: iter([from_stream(requests, context)])),
        }
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("matrix.Matrix", handlers),))
        self._port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def address(self) -> Target:
        return {"grpc": f"127.0.0.1:{self._port}"}


def prepare(target: Any) -> None:
    from grpc import insecure_channel

    _bound["insecure_channel"] = insecure_channel


@way("unary_unary", carriers=("thread", "pool", "to_thread", "spawn"), faults=True)
def unary_unary(target: Any) -> Any:
    import grpc

    with grpc.insecure_channel(target.grpc) as channel:
        return channel.unary_unary("/matrix.Matrix/UnaryUnary")(target.marker.encode()).decode()


@way("unary_unary-with_call")
def with_call(target: Any) -> Any:
    import grpc

    with grpc.insecure_channel(target.grpc) as channel:
        return channel.unary_unary("/matrix.Matrix/UnaryUnary").with_call(target.marker.encode())[0].decode()


@way("unary_unary-future")
def future(target: Any) -> Any:
    import grpc

    with grpc.insecure_channel(target.grpc) as channel:
        return channel.unary_unary("/matrix.Matrix/UnaryUnary").future(target.marker.encode()).result().decode()


@way("unary_stream")
def unary_stream(target: Any) -> Any:
    import grpc

    with grpc.insecure_channel(target.grpc) as channel:
        return [part.decode() for part in channel.unary_stream("/matrix.Matrix/UnaryStream")(target.marker.encode())]


@way("stream_unary")
def stream_unary(target: Any) -> Any:
    import grpc

    with grpc.insecure_channel(target.grpc) as channel:
        return channel.stream_unary("/matrix.Matrix/StreamUnary")(iter([target.marker.encode()])).decode()


@way("stream_stream")
def stream_stream(target: Any) -> Any:
    import grpc

    with grpc.insecure_channel(target.grpc) as channel:
        return [part.decode() for part in channel.stream_stream("/matrix.Matrix/StreamStream")(iter([target.marker.encode()]))]


@way("secure-channel-unused-credentials", effects=0)
def raises_secure(target: Any) -> Any:
    import grpc

    with grpc.secure_channel(target.grpc, grpc.ssl_channel_credentials()) as channel:
        try:
            channel.unary_unary("/matrix.Matrix/UnaryUnary")(target.marker.encode(), timeout=2)
        except grpc.RpcError as error:
            return error.code().name


@way("intercepted-channel")
def intercepted(target: Any) -> Any:
    import grpc

    class Own(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]
        def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            return continuation(details, request)

    with grpc.insecure_channel(target.grpc) as plain:
        channel = grpc.intercept_channel(plain, Own())
        return channel.unary_unary("/matrix.Matrix/UnaryUnary")(target.marker.encode()).decode()


@way("bound-channel-function")
def bound_function(target: Any) -> Any:
    with _bound["insecure_channel"](target.grpc) as channel:
        return channel.unary_unary("/matrix.Matrix/UnaryUnary")(target.marker.encode()).decode()


@way("aio-unary_unary", faults=True)
async def aio_unary_unary(target: Any) -> Any:
    import grpc.aio

    async with grpc.aio.insecure_channel(target.grpc) as channel:
        return (await channel.unary_unary("/matrix.Matrix/UnaryUnary")(target.marker.encode())).decode()


@way("aio-unary_stream")
async def aio_unary_stream(target: Any) -> Any:
    import grpc.aio

    async with grpc.aio.insecure_channel(target.grpc) as channel:
        return [part.decode() async for part in channel.unary_stream("/matrix.Matrix/UnaryStream")(target.marker.encode())]


@way("aio-stream_unary")
async def aio_stream_unary(target: Any) -> Any:
    import grpc.aio

    async with grpc.aio.insecure_channel(target.grpc) as channel:
        return (await channel.stream_unary("/matrix.Matrix/StreamUnary")(iter([target.marker.encode()]))).decode()


@way("aio-stream_stream")
async def aio_stream_stream(target: Any) -> Any:
    import grpc.aio

    async with grpc.aio.insecure_channel(target.grpc) as channel:
        call = channel.stream_stream("/matrix.Matrix/StreamStream")(iter([target.marker.encode()]))
        return [part.decode() async for part in call]
