"""boto3: clients, resources, paginators, transfers, in several services."""

from __future__ import annotations

import io
from typing import Any, Dict

from ..way import way
from ._aws import ENVIRONMENT as ENVIRONMENT
from ._aws import Server as Server

GEVENT = True
REQUIRES = ("boto3",)
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    _bound["s3"] = _client(target, "s3")
    _bound["put_object"] = _bound["s3"].put_object


def _client(target: Any, service: str) -> Any:
    import boto3
    from botocore.config import Config

    key = (service, target.url)
    if key not in _bound:
        config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2})
        _bound[key] = boto3.client(service, endpoint_url=target.url, config=config)
    return _bound[key]


@way("s3.put_object", carriers=("thread", "pool", "executor", "to_thread", "task", "fork", "spawn"), faults=True)
def put_object(target: Any) -> Any:
    return _client(target, "s3").put_object(Bucket="matrix", Key=target.marker, Body=b"x")["ETag"]


@way("s3.get_object")
def get_object(target: Any) -> Any:
    return _client(target, "s3").get_object(Bucket="matrix", Key=target.marker)["Body"].read().decode()


@way("s3.delete_object")
def delete_object(target: Any) -> Any:
    return _client(target, "s3").delete_object(Bucket="matrix", Key=target.marker)["ResponseMetadata"]["HTTPStatusCode"]


@way("s3.upload_fileobj")
def upload_fileobj(target: Any) -> Any:
    return _client(target, "s3").upload_fileobj(io.BytesIO(b"x"), "matrix", target.marker)


@way("s3.paginator")
def paginator(target: Any) -> Any:
    pages = _client(target, "s3").get_paginator("list_objects_v2").paginate(Bucket="matrix", Prefix=target.marker)
    return [page["KeyCount"] for page in pages]


@way("s3.resource")
def resource(target: Any) -> Any:
    import boto3

    return boto3.resource("s3", endpoint_url=target.url).Object("matrix", target.marker).put(Body=b"x")["ETag"]


@way("sqs.send_message")
def send_message(target: Any) -> Any:
    return _client(target, "sqs").send_message(QueueUrl=target.url + "/q", MessageBody=target.marker)["MessageId"]


@way("dynamodb.put_item")
def put_item(target: Any) -> Any:
    reply = _client(target, "dynamodb").put_item(TableName="matrix", Item={"id": {"S": target.marker}})
    return reply["ResponseMetadata"]["HTTPStatusCode"]


@way("bound-method")
def bound_method(target: Any) -> Any:
    import botocore.exceptions

    try:
        return _bound["put_object"](Bucket="matrix", Key=target.marker, Body=b"x")["ETag"]
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
