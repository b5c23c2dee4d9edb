"""aiobotocore: the asynchronous client's own `_make_api_call`."""

from __future__ import annotations

from typing import Any

from ..way import way
from ._aws import ENVIRONMENT as ENVIRONMENT
from ._aws import Server as Server

REQUIRES = ("aiobotocore",)


def _client(target: Any, service: str) -> Any:
    from aiobotocore.session import get_session
    from botocore.config import Config

    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2})
    return get_session().create_client(service, endpoint_url=target.url, config=config, region_name="us-east-1")


@way("s3.put_object", faults=True, carriers=("task", "loop-in-thread"))
async def put_object(target: Any) -> Any:
    async with _client(target, "s3") as client:
        return (await client.put_object(Bucket="matrix", Key=target.marker, Body=b"x"))["ETag"]


@way("s3.get_object")
async def get_object(target: Any) -> Any:
    async with _client(target, "s3") as client:
        return (await (await client.get_object(Bucket="matrix", Key=target.marker))["Body"].read()).decode()


@way("sqs.send_message")
async def send_message(target: Any) -> Any:
    async with _client(target, "sqs") as client:
        return (await client.send_message(QueueUrl=target.url + "/q", MessageBody=target.marker))["MessageId"]


@way("s3.paginator")
async def paginator(target: Any) -> Any:
    async with _client(target, "s3") as client:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket="matrix", Prefix=target.marker)
        return [page["KeyCount"] async for page in pages]
