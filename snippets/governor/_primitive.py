"""How a governed primitive runs: decided always, also where `enable()` was not called."""

from __future__ import annotations

from governor._gate import current_gate, governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from governor._call import Call

    Result = TypeVar("Result")

__all__ = ["run"]


def run(call: Call, effect: Callable[[], Result]) -> Result:
    gate = current_gate()
    if gate.enabled:
        with governed_call(call):
            return effect()
    gate.admit(gate.question(call))
    return effect()
