"""`enable()` and `disable()`: the patches of every chosen family, in and out."""

from __future__ import annotations

import os
import sys
from _thread import RLock

from governor import _imports
from governor._config import load_settings
from governor._errors import ConfigurationError
from governor._gate import Gate, current_gate, is_enabled, replace_gate
from governor._patcher import Patcher
from governor._unseen import when_unseen
from governor.patches import find_patches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from governor._scope import IntentEvent
    from governor.patches import Patch

__all__ = ["configure_defaults", "disable", "enable"]

_lock = RLock()
_patcher = Patcher(is_enabled)
_configured: IntentEvent | None = None


def enable(**settings: Any) -> None:
    """Put the gate in front of every effect of what is installed; once or more often, before or after imports.

    A second call without arguments changes nothing; with arguments it applies them to the running gate.
    """
    with _lock:
        gate = current_gate() if not settings and is_enabled() else None
        if gate is not None:
            return
        loaded = load_settings(settings)
        if is_enabled() and current_gate().settings.same_as(loaded):
            return
        if not loaded.enabled:
            _warn("governor is not enabled: GOVERNOR_ENABLED says no")
            disable()
            return
        new = Gate(loaded)
        if _configured is not None:
            new.questions.defaults = _configured.filled_from(new.questions.defaults)
        if loaded.dev_bypass:
            _warn("GOVERNOR_DEV_BYPASS is set: NOTHING IS GOVERNED, every side effect happens unasked")
        was_enabled = is_enabled()
        old_families = current_gate().settings.families if was_enabled else ()
        new.enabled = True
        replace_gate(new)
        if was_enabled and old_families != loaded.families:
            _patcher.restore()
            _imports.forget_all()
            was_enabled = False
        ungoverned = [] if was_enabled else _install(loaded.families)
        from governor._backstop import report_unseen, stand_by

        stand_by()
        for call in ungoverned:
            report_unseen(call, "this object was made before `governor.enable()` and cannot be governed: make it afterwards")
        if not was_enabled:
            when_unseen(_imports.when_imported, loaded.families)


def disable() -> None:
    """Put every original back. The audit hook of the backstop cannot be removed, but does nothing any more."""
    with _lock:
        if is_enabled():
            current_gate().enabled = False
        _imports.forget_all()
        _patcher.restore()
        replace_gate(None)


def configure_defaults(
    *,
    actor_id: str = "",
    actor_type: str = "",
    tenant_id: str = "",
    layer: str = "",
    authn: str = "",
    context: dict[str, Any] | None = None,
) -> None:
    """What every intent of this process starts from, where neither the intent nor its scope says otherwise."""
    from governor._scope import IntentEvent

    global _configured
    given = IntentEvent(actor_id=actor_id, actor_type=actor_type, tenant_id=tenant_id, layer=layer, authn=authn, context=context)
    with _lock:
        _configured = given if _configured is None else given.filled_from(_configured)
        questions = current_gate().questions
        questions.defaults = _configured.filled_from(questions.defaults)


def _after_fork_in_child() -> None:
    global _lock
    _lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def _install(families: tuple[str, ...]) -> list[Any]:
    for patch in find_patches():
        if patch.family in families or patch.family == "scope":
            for name in patch.modules:
                _imports.when_imported(name, _installer(patch))
    _patcher.rebind_captured()
    return _patcher.adopt_living()


def _installer(patch: Patch) -> Callable[[ModuleType], None]:
    def install(module: ModuleType) -> None:
        with _lock:
            try:
                _patcher.begin()
                patch.load().install(module, _patcher)
                if _patcher.lost_seam():
                    raise LookupError(f"`{module.__name__}` has no {_patcher.lost_seam()}")
            except Exception as error:
                # Without its patch the library would act ungoverned: better that it cannot be imported.
                raise ConfigurationError(
                    f"{patch.library}: this version cannot be governed ({type(error).__name__}: {error}); "
                    f"leave the family `{patch.family}` out of GOVERNOR_FAMILIES to use it ungoverned"
                ) from error

    return install


def _warn(message: str) -> None:
    from governor._record import logger

    logger().warning(message)
    if "BYPASS" in message:
        print(f"governor: {message}", file=sys.stderr)


def enabled_in_environment() -> bool:
    return os.environ.get("GOVERNOR_ENABLED", "").strip().lower() in ("1", "true", "yes", "on")
