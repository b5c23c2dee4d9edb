"""What an AWS operation is: service and operation to action, parameters to resource."""

from __future__ import annotations

from governor._call import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["aws_call"]

_PREFIXES = {
    "read": "Get List Describe Head Query Scan Search Select BatchGet Lookup Check Estimate Filter Download Receive Poll Preview Simulate",
    "delete": "Delete Terminate Remove Purge Deregister Destroy BatchDelete Abort",
    "send": "Send Publish PutEvents PutRecord",
    "execute": "Invoke Start Run Execute Stop Reboot Submit Converse Assume Transact Restart",
}
_TYPES = {
    "s3": "object_store", "sqs": "queue", "sns": "topic", "events": "topic", "kinesis": "topic", "firehose": "topic", "ses": "email",
    "sesv2": "email", "dynamodb": "database", "rds-data": "database", "redshift-data": "database", "secretsmanager": "secret",
    "ssm": "secret", "kms": "secret", "bedrock-runtime": "llm", "lambda": "function", "stepfunctions": "function",
}  # fmt: skip
_NAMES = (
    "Bucket", "TableName", "QueueUrl", "QueueName", "TopicArn", "TargetArn", "FunctionName", "SecretId", "Name", "StreamName",
    "DeliveryStreamName", "modelId", "KeyId", "stateMachineArn", "Source", "FromEmailAddress", "DBInstanceIdentifier", "ClusterName",
    "UserName", "RoleName", "LogGroupName", "logGroupName", "RepositoryName", "Database", "InstanceIds",
)  # fmt: skip


def aws_call(qualified_name: str, client: Any, args: Any, kwargs: Any) -> Call:
    operation = str(args[0] if args else kwargs.get("operation_name", ""))
    parameters = args[1] if len(args) > 1 else kwargs.get("api_params") or {}
    service = str(client._service_model.service_name)
    endpoint = str(client.meta.endpoint_url)
    name = _name(parameters)
    destination = f"{endpoint.rstrip('/')}/{name}" if name and "://" not in name else name or endpoint
    if "Key" in parameters and isinstance(parameters["Key"], str):
        destination += "/" + parameters["Key"]
    call = Call(
        qualified_name, "cloud", _action(operation), (_TYPES.get(service, "cloud_service"), _short(name) or service), destination,
        f"{service}:{operation}", parameters, carries=("http",), hosts=(_host(endpoint),),
    )  # fmt: skip
    return call


def _action(operation: str) -> str:
    matches = [(len(prefix), action) for action, words in _PREFIXES.items() for prefix in words.split() if operation.startswith(prefix)]
    return max(matches)[1] if matches else "write"


def _name(parameters: Any) -> str:
    for key in _NAMES:
        value = parameters.get(key) if isinstance(parameters, dict) else None
        if isinstance(value, str) and value:
            return value
    tables = parameters.get("RequestItems") if isinstance(parameters, dict) else None
    return ",".join(sorted(tables)) if isinstance(tables, dict) else ""


def _short(name: str) -> str:
    """`https://sqs…/123/orders` and `arn:aws:sns:…:orders` are called `orders`."""
    return name.rpartition("/")[2] if "://" in name else name.rpartition(":")[2] if name.startswith("arn:") else name


def _host(endpoint: str) -> str:
    from governor._call import host_of

    return host_of(endpoint)
