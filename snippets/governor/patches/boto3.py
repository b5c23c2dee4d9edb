"""boto3: `BaseClient._make_api_call` is what boto3's clients, resources, paginators, waiters and transfers call.

Event handlers may put other parameters in the place of those that were asked about: another bucket or table is asked about again.
Its own requests (retries, redirects to another name of the same service) are part of the call; credentials fetched from
another host are asked about as http.
"""

from __future__ import annotations

from governor._aws import aws_call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "boto3"
MODULES = ("botocore.client",)
FAMILY = "cloud"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.BaseClient, "_make_api_call", _call)
    patcher.wrap(module.BaseClient, "_emit_api_params", _settle, optional=True)


def _call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with governed_call(aws_call("botocore.client.BaseClient._make_api_call", instance, args, kwargs)):
        return wrapped(*args, **kwargs)


def _settle(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    parameters = wrapped(*args, **kwargs)
    operation = (args[1] if len(args) > 1 else kwargs["operation_model"]).name
    with governed_call(aws_call("botocore.client.BaseClient._emit_api_params", instance, (operation, parameters), {})):
        return parameters
