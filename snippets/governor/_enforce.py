"""Explicit enforcement: one question for one intent, as a call, a coroutine or a decorator."""

from __future__ import annotations

from governor._errors import ConfigurationError, GovernorError
from governor._gate import current_gate
from governor._question import Question
from governor._scope import IntentEvent, Scope, current_scope, intent, intent_from, resumed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    from governor._wire import Decision

    Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = ["aenforce", "enforce", "governed"]

_CO_GENERATOR, _CO_COROUTINE, _CO_ASYNC_GENERATOR = 0x20, 0x80, 0x200


def enforce(event: IntentEvent) -> Decision:
    """Ask for this intent; return the decision, or raise `PolicyDenied`, `PolicyHeld`, `PolicyUnavailable`."""
    return current_gate().admit(_question(event))


async def aenforce(event: IntentEvent) -> Decision:
    """`enforce` for coroutines: the event loop runs on while the plane is asked."""
    return await current_gate().aadmit(_question(event))


def _question(event: IntentEvent) -> Question:
    if not isinstance(event, IntentEvent):
        raise ConfigurationError(f"`enforce` takes an event from `intent_from`, not {type(event).__name__}")
    scope = current_scope()
    if scope is not None:
        event = event.filled_from(scope.event)
    return Question(event.filled_from(current_gate().questions.defaults), None, None)


def governed(
    *,
    action: str,
    resource_type: str = "",
    resource_name: str = "",
    data: Mapping[str, Any] | None = None,
    on_deny: str = "raise",
    **fields: Any,
) -> Callable[[Function], Function]:
    """Decorate a function, coroutine function or generator: asked before it runs, and a scope while it runs.

    `on_deny="return"` returns the refusal's `to_dict()` instead of raising it (a generator yields it once).
    """
    if on_deny not in ("raise", "return"):
        raise ConfigurationError(f"`on_deny` is `raise` or `return`, not `{on_deny}`")
    event = intent_from(action=action, resource_type=resource_type, resource_name=resource_name, data=data, **fields)

    def decorate(function: Function) -> Function:
        import functools

        flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
        make = _plain
        if flags & _CO_COROUTINE:
            make = _coroutine
        elif flags & _CO_ASYNC_GENERATOR:
            make = _async_generator
        elif flags & _CO_GENERATOR:
            make = _generator
        decorated: Any = functools.wraps(function)(make(function, event, on_deny == "return"))
        return decorated  # type: ignore[no-any-return]

    return decorate


def _plain(function: Callable[..., Any], event: IntentEvent, returns: bool) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            enforce(event)
        except GovernorError as error:
            if not returns:
                raise
            return error.to_dict()
        try:
            with intent(event):
                return function(*args, **kwargs)
        except GovernorError as error:
            if not returns:
                raise
            return error.to_dict()

    return run


def _coroutine(function: Callable[..., Any], event: IntentEvent, returns: bool) -> Callable[..., Any]:
    async def run(*args: Any, **kwargs: Any) -> Any:
        try:
            await aenforce(event)
            with intent(event):
                return await function(*args, **kwargs)
        except GovernorError as error:
            if not returns:
                raise
            return error.to_dict()

    return run


def _generator(function: Callable[..., Any], event: IntentEvent, returns: bool) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            enforce(event)
            result = yield from _Steps(function(*args, **kwargs), event)
        except GovernorError as error:
            if not returns:
                raise
            yield error.to_dict()
            return None
        return result

    return run


def _async_generator(function: Callable[..., Any], event: IntentEvent, returns: bool) -> Callable[..., Any]:
    async def run(*args: Any, **kwargs: Any) -> Any:
        try:
            await aenforce(event)
        except GovernorError as error:
            if not returns:
                raise
            yield error.to_dict()
            return
        inner = function(*args, **kwargs)
        scope = _scope_for(event)
        try:
            sent, thrown = None, None
            while True:
                try:
                    with resumed(scope):
                        item = await (inner.asend(sent) if thrown is None else inner.athrow(thrown))
                except StopAsyncIteration:
                    return
                except GovernorError as error:
                    if not returns:
                        raise
                    yield error.to_dict()
                    return
                sent, thrown = None, None
                try:
                    sent = yield item
                except GeneratorExit:
                    raise
                except BaseException as error:
                    thrown = error
        finally:
            with resumed(scope):
                await inner.aclose()
            scope.active = False

    return run


def scoped_steps(generator: Any, event: IntentEvent) -> Any:
    """A generator whose every step runs in a scope of `event`, with nothing asked for it."""
    return _Steps(generator, event)


def _scope_for(event: IntentEvent) -> Scope:
    parent = current_scope()
    return Scope(event if parent is None else event.filled_from(parent.event), parent, None)


class _Steps:
    """A generator whose every step runs in the scope, and nothing between the steps does."""

    def __init__(self, generator: Any, event: IntentEvent) -> None:
        self._generator = generator
        self._scope = _scope_for(event)

    def __iter__(self) -> _Steps:
        return self

    def __next__(self) -> Any:
        return self._step(self._generator.__next__)

    def send(self, value: Any) -> Any:
        return self._step(self._generator.send, value)

    def throw(self, *details: Any) -> Any:
        return self._step(self._generator.throw, *details)

    def close(self) -> None:
        try:
            with resumed(self._scope):
                self._generator.close()
        finally:
            self._scope.active = False

    def _step(self, step: Callable[..., Any], *arguments: Any) -> Any:
        try:
            with resumed(self._scope):
                return step(*arguments)
        except BaseException:
            self._scope.active = False
            raise
