"""aio-pika: exchanges, robust and plain connections, channel pools."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("aio_pika",)
SERVER = "rabbitmq"


def _message(target: Any) -> Any:
    import aio_pika

    return aio_pika.Message(target.marker.encode())


@way("default_exchange.publish", carriers=True, faults=True)
async def default_exchange(target: Any) -> Any:
    import aio_pika

    async with await aio_pika.connect(target.amqp) as connection:
        channel = await connection.channel()
        return type(await channel.default_exchange.publish(_message(target), target.queue)).__name__


@way("robust")
async def robust(target: Any) -> Any:
    import aio_pika

    async with await aio_pika.connect_robust(target.amqp) as connection:
        channel = await connection.channel()
        return type(await channel.default_exchange.publish(_message(target), target.queue)).__name__


@way("named-exchange")
async def named_exchange(target: Any) -> Any:
    import aio_pika

    async with await aio_pika.connect_robust(target.amqp) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange("governor-matrix-fanout", aio_pika.ExchangeType.FANOUT, auto_delete=True)
        queue = await channel.get_queue(target.queue)
        await queue.bind(exchange)
        return type(await exchange.publish(_message(target), "")).__name__


@way("unconfirmed")
async def unconfirmed(target: Any) -> Any:
    import aio_pika

    async with await aio_pika.connect(target.amqp) as connection:
        channel = await connection.channel(publisher_confirms=False)
        await channel.default_exchange.publish(_message(target), target.queue)
        await channel.get_queue(target.queue)


@way("transaction")
async def transaction(target: Any) -> Any:
    import aio_pika

    async with await aio_pika.connect(target.amqp) as connection:
        channel = await connection.channel(publisher_confirms=False)
        async with channel.transaction():
            await channel.default_exchange.publish(_message(target), target.queue)


@way("underlay-channel")
async def underlay(target: Any) -> Any:
    import aiormq

    connection = await aiormq.connect(target.amqp)
    try:
        channel = await connection.channel()
        await channel.basic_publish(target.marker.encode(), routing_key=target.queue)
    finally:
        await connection.close()
