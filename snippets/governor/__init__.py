"""The enforce client: no governed side effect without an ALLOW, still valid, for that effect.

    import governor
    governor.enable()

Errors (all `RuntimeError`): `GovernorError`, of it `PolicyDenied`, `PolicyHeld`, `PolicyUnavailable` and
`ConfigurationError`; `to_dict()` gives a refusal as an agent's tool result.
"""

from __future__ import annotations

import sys

from governor._enable import configure_defaults, disable, enable
from governor._enforce import aenforce, enforce, governed
from governor._errors import ConfigurationError, GovernorError, PolicyDenied, PolicyHeld, PolicyUnavailable
from governor._scope import IntentEvent, intent, intent_from
from governor._wire import Decision

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from governor import db, fs, http

__version__ = "0.1.0"

__all__ = [
    "ConfigurationError",
    "Decision",
    "GovernorError",
    "IntentEvent",
    "PolicyDenied",
    "PolicyHeld",
    "PolicyUnavailable",
    "aenforce",
    "configure_defaults",
    "db",
    "disable",
    "enable",
    "enforce",
    "fs",
    "governed",
    "http",
    "intent",
    "intent_from",
]


def __getattr__(name: str) -> Any:
    # The primitives import their libraries, so they wait until somebody asks for them.
    if name in ("db", "fs", "http", "integrations"):
        import importlib

        return importlib.import_module("governor." + name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(vars(sys.modules[__name__])) | set(__all__))
