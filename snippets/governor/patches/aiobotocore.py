"""aiobotocore: `AioBaseClient._make_api_call` overrides botocore's and does not call it."""

from __future__ import annotations

from governor._aws import aws_call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "aiobotocore"
MODULES = ("aiobotocore.client",)
FAMILY = "cloud"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.AioBaseClient, "_make_api_call", _call)
    patcher.wrap(module.AioBaseClient, "_emit_api_params", _settle, optional=True)


async def _call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with governed_call(aws_call("aiobotocore.client.AioBaseClient._make_api_call", instance, args, kwargs)):
        return await wrapped(*args, **kwargs)


async def _settle(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    parameters = await wrapped(*args, **kwargs)
    operation = (args[1] if len(args) > 1 else kwargs["operation_model"]).name
    async with governed_call(aws_call("aiobotocore.client.AioBaseClient._emit_api_params", instance, (operation, parameters), {})):
        return parameters
