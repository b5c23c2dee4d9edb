"""Names a call's resource: by the user's `[[destination]]` rules, then by what the call says, then by its host."""

from __future__ import annotations

from governor._errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from governor._call import Call
    from governor._config import Settings

__all__ = ["destination_rule", "resource_of"]

_remembered: dict[tuple[int, str, str], tuple[str, str] | None] = {}
_REMEMBERED_LIMIT = 2048


def destination_rule(rule: Any, path: str) -> tuple[str, str, str, tuple[tuple[str, Any], ...]]:
    """One `[[destination]]` table as `(pattern, type, name, data)`."""
    if not isinstance(rule, dict) or not isinstance(rule.get("pattern"), str) or not rule["pattern"]:
        raise ConfigurationError(f"{path}: a [[destination]] needs a `pattern`")
    for key, value in rule.items():
        if key not in ("pattern", "resource_type", "resource_name", "pii", "sensitivity", "environment", "volume"):
            raise ConfigurationError(f"{path}: unknown key `{key}` in [[destination]]")
        if key in ("resource_type", "resource_name", "environment", "volume") and not isinstance(value, str):
            raise ConfigurationError(f"{path}: `{key}` in [[destination]] must be a string")
        if key == "pii" and not isinstance(value, bool):
            raise ConfigurationError(f"{path}: `pii` in [[destination]] must be true or false")
        if key == "sensitivity" and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise ConfigurationError(f"{path}: `sensitivity` in [[destination]] must be a list of strings")
    data = tuple((key, rule[key]) for key in ("pii", "sensitivity", "volume") if key in rule)
    return rule["pattern"].lower(), rule.get("resource_type", ""), rule.get("resource_name", ""), data


def resource_of(call: Call, settings: Settings) -> tuple[str, str]:
    rule = _matching_rule(call, settings) if settings.destinations else None
    kind, name = call.resource or _by_host(call.host) or (_DEFAULT_KINDS.get(call.category, call.category), call.host or call.destination)
    if rule is None:
        return kind, name
    # A host's rule names its web service; mail to that host stays mail, unless the pattern says `smtp://`.
    named_kind = kind if call.category == "email" and "://" not in rule[0] else rule[1] or kind
    return named_kind, rule[2] or name


_DEFAULT_KINDS = {"http": "external_api", "database": "database", "process": "process", "email": "email", "filesystem": "file"}


def data_of(call: Call, settings: Settings) -> dict[str, Any]:
    rule = _matching_rule(call, settings) if settings.destinations else None
    data = dict(rule[3]) if rule is not None else {}
    if call.data:
        data.update(call.data)
    return data


def _matching_rule(call: Call, settings: Settings) -> Any:
    from fnmatch import fnmatchcase

    destination, host = call.destination.lower(), call.host
    without_scheme = destination.partition("://")[2] or destination
    for rule in settings.destinations:
        pattern = rule[0]
        if pattern in (host, destination) or any(fnmatchcase(text, pattern) for text in (host, destination, without_scheme) if text):
            return rule
    return None


def _by_host(host: str) -> tuple[str, str] | None:
    if not host:
        return None
    from governor._hosts import service_of

    return service_of(host)
