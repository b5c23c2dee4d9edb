"""Django: a middleware, sync and async, that says who acts in each request.

    MIDDLEWARE = [..., "governor.integrations.django.GovernorMiddleware"]
    GOVERNOR_IDENTIFY = "shop.governance.identify"      # a function of the request that gives {"actor_id": ...}
"""

from __future__ import annotations

import asyncio

from governor._scope import actor_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["GovernorMiddleware"]


class GovernorMiddleware:
    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        from django.conf import settings
        from django.utils.module_loading import import_string

        self.get_response = get_response
        path = getattr(settings, "GOVERNOR_IDENTIFY", "")
        self._identify = import_string(path) if path else None
        try:
            from asgiref.sync import iscoroutinefunction, markcoroutinefunction
        except ImportError:  # asgiref before 3.6, which knows only the mark of `asyncio`
            from asyncio import iscoroutinefunction

            def markcoroutinefunction(function: Any) -> Any:
                function._is_coroutine = getattr(asyncio.coroutines, "_is_coroutine", None)

        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            # Django asks this of the middleware itself to learn in which way to call it.
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        if self._is_async:
            return self._call_async(request)
        with actor_context(**self._fields(request)):
            return self.get_response(request)

    async def _call_async(self, request: Any) -> Any:
        with actor_context(**self._fields(request)):
            return await self.get_response(request)

    def _fields(self, request: Any) -> dict[str, Any]:
        return {"layer": "api", **(self._identify(request) if self._identify else {})}
