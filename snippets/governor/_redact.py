"""Masks secrets in whatever is about to be written or sent: URLs, DSNs, commands, fields, tokens by pattern."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from governor._scope import IntentEvent

__all__ = ["Redactor"]

MASK = "***"

_FIELDS = (
    "access_key access_token api_key apikey auth authorization bearer client_secret code cookie credential credentials csrf id_token jwt "
    "key otp pass passphrase passwd password pin private_key pwd refresh_token secret secret_key session sessionid set-cookie sig "
    "signature ssn token x-amz-credential x-amz-security-token x-amz-signature x-api-key x-goog-signature"
)
_TOKENS = re.compile(
    r"""
      \bsk-[A-Za-z0-9_-]{16,}                                   # OpenAI, Anthropic
    | \b[srp]k_(?:live|test)_[A-Za-z0-9]{8,}                    # Stripe
    | \bwhsec_[A-Za-z0-9]{8,}
    | \bgh[pousr]_[A-Za-z0-9]{20,} | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bglpat-[A-Za-z0-9_-]{16,}
    | \bxox[abeoprs]-[A-Za-z0-9-]{8,}                           # Slack
    | \b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}                    # AWS
    | \bAIza[A-Za-z0-9_-]{30,} | \bya29\.[A-Za-z0-9_-]{16,}     # Google
    | \bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}              # SendGrid
    | \bhf_[A-Za-z0-9]{20,} | \bnpm_[A-Za-z0-9]{20,} | \bpypi-[A-Za-z0-9_-]{16,}
    | \beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]* # JWT
    | -----BEGIN[A-Z\s]*PRIVATE\sKEY-----.*?(?:-----END[A-Z\s]*PRIVATE\sKEY-----|\Z)
    | (?i:\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}
    | hooks\.slack\.com/services/[A-Za-z0-9/_-]+
    | \b\d{6,}:AA[A-Za-z0-9_-]{30,}                             # Telegram
    """,
    re.VERBOSE | re.DOTALL,
)
_USERINFO = re.compile(r"(?<=://)([^/?#@\s:]*)(:[^/?#\s]*)?@(?=[^@/?#\s]*)")


class Redactor:
    """The built-in field names, and the user's own (`redact_fields`)."""

    def __init__(self, extra_fields: tuple[str, ...] = ()) -> None:
        self._known: dict[str, str] = {}
        self._known_events: dict[Any, dict[str, Any]] = {}
        self._fields = frozenset(_FIELDS.split()) | {field.lower() for field in extra_fields}
        names = "|".join(re.escape(field).replace("_", "[-_]?") for field in sorted(self._fields, key=len, reverse=True))
        name = rf"(?:[A-Za-z0-9]+[-_.])*(?:{names}|[A-Za-z0-9]*(?:password|passwd|secret|apikey))"
        # `password=...`, `"token": "..."`, `--api-key ...`, in URLs, DSNs, commands and text alike.
        self._assignment = re.compile(
            rf"(?i)(?<![A-Za-z0-9])((?:--?)?[\"']?{name}[\"']?\s*[=:]\s*|--?{name}\s+)(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s&;,#\"'}})]+)"
        )

    def text(self, text: str) -> str:
        """`text` with its secrets masked; what was masked before is remembered, destinations repeat."""
        known = self._known.get(text)
        if known is None:
            known = self._masked(text)
            if len(text) <= 1024:
                if len(self._known) >= 2048:
                    self._known.clear()
                self._known[text] = known
        return known

    def _masked(self, text: str) -> str:
        if "://" in text:
            text = _USERINFO.sub(_mask_userinfo, text)
        text = _TOKENS.sub(MASK, text)
        if "=" in text or ":" in text or "--" in text or " -" in text:
            text = self._assignment.sub(_mask_value, text)
        return text

    def value(self, value: Any, depth: int = 0) -> Any:
        """A copy of a JSON-like value with secrets masked; fields are known by name, tokens by pattern."""
        if isinstance(value, str):
            return self.text(value)
        if depth > 12:
            return MASK
        if isinstance(value, dict):
            return {
                str(key): MASK if self.is_secret(str(key)) and item not in (None, "", [], {}) else self.value(item, depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.value(item, depth + 1) for item in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return self.text(str(value))

    def event(self, event: IntentEvent) -> dict[str, Any]:
        """An intent as it is recorded; not to be changed, as calls repeat and what was masked before is remembered."""
        known = self._known_events.get(event.key)
        if known is None:
            known = self.value(event.to_dict())
            if len(self._known_events) >= 2048:
                self._known_events.clear()
            self._known_events[event.key] = known
        return known

    def is_secret(self, field: str) -> bool:
        name = field.lower()
        return name in self._fields or name.replace("-", "_") in self._fields or name.rpartition("_")[2] in _SECRET_ENDINGS


_SECRET_ENDINGS = frozenset({"password", "passwd", "secret", "token", "apikey", "credential", "credentials"})


def _mask_userinfo(match: re.Match[str]) -> str:
    if match.group(2) is None:
        return (MASK + "@") if match.group(1) else "@"
    return f"{match.group(1)}:{MASK}@"


def _mask_value(match: re.Match[str]) -> str:
    value = match.group(2)
    if value in ("None", "null", "''", '""', MASK) or value.startswith("//"):
        return match.group(0)
    quote = value[0] if value[0] in "\"'" else ""
    return f"{match.group(1)}{quote}{MASK}{quote}"
