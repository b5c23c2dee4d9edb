"""Settings: arguments of `enable()` win over the environment, the environment over `governor.toml`.

An unknown setting, or a value that cannot be read, is an error: a misspelt `fail_mod` must not pass for
a working configuration.
"""

from __future__ import annotations

import os

from governor._errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["CATEGORIES", "Settings", "load_settings"]

CATEGORIES = (
    "http", "database", "filesystem", "process", "email", "messaging", "cloud",
    "llm", "mcp", "browser", "secrets", "saas", "network",
)  # fmt: skip

_KINDS: dict[str, tuple[Any, Any]] = {
    "enabled": ("flag", True),
    "enforce_url": ("text", ""),
    "api_key": ("text", ""),
    "tenant_id": ("text", ""),
    "actor_id": ("text", ""),
    "actor_type": ("text", ""),
    "layer": ("text", ""),
    "authn": ("text", ""),
    "mode": (("enforce", "observe"), "enforce"),
    "fail_mode": (("closed", "open"), "closed"),
    "timeout_ms": ("number", 2000.0),
    "cache_ttl_ms": ("number", 30_000.0),
    "cache_size": ("number", 4096.0),
    "hold_wait_ms": ("number", 0.0),
    "breaker_failures": ("number", 5.0),
    "breaker_pause_ms": ("number", 5000.0),
    "families": ("families", tuple(name for name in CATEGORIES if name != "filesystem")),
    "allow_hosts": ("list", ()),
    "deny_hosts": ("list", ()),
    "backstop": (("off", "log", "enforce"), "log"),
    "backstop_ignore": ("list", ()),
    "audit_log": ("text", ""),
    "audit_max_bytes": ("number", 67_108_864.0),
    "audit_backups": ("number", 5.0),
    "decision_key": ("text", ""),
    "dev_bypass": ("flag", False),
    "strict": ("flag", False),
    "telemetry": ("flag", True),
    "config": ("text", ""),
    "environment": ("text", ""),
    "files": ("list", ()),
    "redact_fields": ("list", ()),
}
_PRODUCTION_VARIABLES = ("GOVERNOR_ENVIRONMENT", "ENVIRONMENT", "ENV", "APP_ENV", "DEPLOY_ENV", "DJANGO_ENV", "FLASK_ENV", "NODE_ENV")


class Settings:
    """One process's settings, checked; the names are those of `enable()`'s arguments."""

    enabled: bool
    enforce_url: str
    api_key: str
    tenant_id: str
    actor_id: str
    actor_type: str
    layer: str
    authn: str
    mode: str
    fail_mode: str
    timeout_ms: float
    cache_ttl_ms: float
    cache_size: float
    hold_wait_ms: float
    breaker_failures: float
    breaker_pause_ms: float
    families: tuple[str, ...]
    allow_hosts: tuple[str, ...]
    deny_hosts: tuple[str, ...]
    backstop: str
    backstop_ignore: tuple[str, ...]
    audit_log: str
    audit_max_bytes: float
    audit_backups: float
    decision_key: str
    dev_bypass: bool
    strict: bool
    telemetry: bool
    config: str
    environment: str
    files: tuple[str, ...]
    redact_fields: tuple[str, ...]

    def __init__(self, values: Mapping[str, Any], destinations: tuple[Any, ...] = ()) -> None:
        for name, (_kind, default) in _KINDS.items():
            setattr(self, name, values.get(name, default))
        self.destinations = destinations

    def same_as(self, other: Settings) -> bool:
        return self.__dict__ == other.__dict__


def load_settings(arguments: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Settings:
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    explicit = arguments.get("config") or environ.get("GOVERNOR_CONFIG", "")
    path = str(explicit) if explicit else "governor.toml"
    destinations: tuple[Any, ...] = ()
    if explicit or os.path.isfile(path):
        destinations = _read_file(path, values)
    for variable, text in environ.items():
        name = variable[9:].lower()
        if variable.startswith("GOVERNOR_") and name in _KINDS and (text or name in ("families",)):
            values[name] = _convert(name, text, variable)
        elif variable.startswith("GOVERNOR_") and name not in _KINDS:
            _refuse_misspelling(variable, name)
    for name, value in arguments.items():
        if name not in _KINDS:
            raise ConfigurationError(f"unknown setting `{name}`: known are {', '.join(sorted(_KINDS))}")
        if value is not None:
            values[name] = _convert(name, value, f"`{name}`")
    settings = Settings(values, destinations)
    if settings.dev_bypass and is_production(settings, environ):
        raise ConfigurationError("GOVERNOR_DEV_BYPASS is refused: the environment says production; unset one of the two")
    return settings


def _refuse_misspelling(variable: str, name: str) -> None:
    """A variable that is nobody's (`GOVERNOR_PORT_80_TCP` of Kubernetes) is left alone, one that nearly is ours is not."""
    from difflib import get_close_matches

    meant = get_close_matches(name, _KINDS, 1, 0.8)
    if meant:
        raise ConfigurationError(f"{variable} is not a setting: did you mean GOVERNOR_{meant[0].upper()}?")


def is_production(settings: Settings, environ: Mapping[str, str]) -> bool:
    names = [settings.environment] + [environ.get(variable, "") for variable in _PRODUCTION_VARIABLES]
    return any(name.strip().lower() in ("production", "prod", "live") for name in names)


def _convert(name: str, value: Any, where: str) -> Any:
    kind = _KINDS[name][0]
    if kind == "text":
        if isinstance(value, str) or hasattr(value, "__fspath__"):
            return os.fspath(value).strip() if name != "decision_key" else value
    elif kind == "flag":
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().lower() in _FLAGS:
            return _FLAGS[value.strip().lower()]
    elif kind == "number":
        number = _number(value)
        if number is not None and number >= 0 and not (name == "timeout_ms" and number == 0):
            return number
    elif kind in ("list", "families"):
        items = _items(value)
        if items is not None:
            return _families(items, where) if kind == "families" else items
    elif isinstance(value, str) and value.strip().lower() in kind:
        return value.strip().lower()
    expected = kind if isinstance(kind, str) else " or ".join(f"`{choice}`" for choice in kind)
    raise ConfigurationError(f"{where}: `{value!r}` is not valid, expected {expected}")


_FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number == number and number != float("inf") else None


def _items(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(item, str) for item in value):
        return tuple(item.strip() for item in value if item.strip())
    return None


def _families(items: tuple[str, ...], where: str) -> tuple[str, ...]:
    if items == ("all",):
        return CATEGORIES
    for item in items:
        if item not in CATEGORIES:
            raise ConfigurationError(f"{where}: unknown family `{item}`: known are {', '.join(CATEGORIES)}")
    return tuple(name for name in CATEGORIES if name in items)


def _read_file(path: str, values: dict[str, Any]) -> tuple[Any, ...]:
    from governor._toml import load_toml

    document = load_toml(path)
    defaults = _table(document, "defaults", path)
    families = _table(document, "families", path)
    settings = _table(document, "governor", path)
    for name, value in {**settings, **defaults}.items():
        if name not in _KINDS or name == "config":
            raise ConfigurationError(f"{path}: unknown setting `{name}`")
        values[name] = _convert(name, value, f"{path}: `{name}`")
    if families:
        chosen = set(_KINDS["families"][1])
        for name, wanted in families.items():
            if name not in CATEGORIES or not isinstance(wanted, bool):
                raise ConfigurationError(f"{path}: [families] takes categories with true or false, not `{name}`")
            chosen.add(name) if wanted else chosen.discard(name)
        values["families"] = tuple(name for name in CATEGORIES if name in chosen)
    destinations = document.get("destination", [])
    if not isinstance(destinations, list):
        raise ConfigurationError(f"{path}: `destination` must be an array of tables")
    from governor._resource import destination_rule

    return tuple(destination_rule(rule, path) for rule in destinations)


def _table(document: Mapping[str, Any], name: str, path: str) -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: `{name}` must be a table")
    return table
