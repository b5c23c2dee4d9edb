"""Decision tokens: a plane's signature under one ALLOW, bound to what was asked.

Format, as `metadata.decision_token` carries it (compact, three parts joined by dots):

    v1.<base64url(payload)>.<base64url(signature)>          base64url without `=` padding

`payload` is a JSON object (its bytes are signed as they stand, so its own layout does not matter):

    {"request_id": "...",     the answer's metadata.request_id
     "decision": "ALLOW",     the answer's decision
     "exp": 1767225600,       unix seconds, integer; the token is good before this second
     "args": "<64 hex>",      SHA-256 of what was asked, see below
     "jti": "..."}            unique, non-empty; a second token with the same jti is a replay

`signature` is over the ASCII bytes `v1.<base64url(payload)>`, that is everything before the second dot.

`args` is the lower-case hex SHA-256 of the canonical JSON of exactly this object, with each value taken
as it stands in the enforce request's body (an absent `context` or `context.call` gives `null`):

    {"action": body.action, "actor": body.actor, "call": body.context.call, "resource": body.resource}

Canonical JSON is Python's `json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)`:
keys sorted by code point at every level, no white space, every character outside ASCII as `\\uXXXX` with
lower-case hex digits (UTF-16 surrogate pairs above U+FFFF), `"`, `\\` and control characters escaped as
`\\"`, `\\\\`, `\\n`, `\\r`, `\\t`, `\\b`, `\\f` or `\\u00XX`, U+007F as `\\u007f`, `/` unescaped. These four values hold strings,
null, objects and arrays only; the client never puts numbers there.

The key (`GOVERNOR_DECISION_KEY`) chooses the algorithm:

    hmac:<base64>       HMAC-SHA-256 with the decoded bytes
    ed25519:<base64>    Ed25519 with the 32-byte public key (needs the package `cryptography`)
    anything else       HMAC-SHA-256 with the UTF-8 bytes of the text
"""

from __future__ import annotations

from _thread import allocate_lock

from governor._errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ReplayMemory", "TokenError", "Verifier", "arguments_digest", "canonical_json"]


class TokenError(Exception):
    """Why a token is not accepted: `cause` is `token_invalid`, `token_expired` or `token_replayed`."""

    def __init__(self, cause: str, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason


def canonical_json(value: Any) -> bytes:
    import json

    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def arguments_digest(body: dict[str, Any]) -> str:
    """The `args` claim for an enforce request's body."""
    import hashlib

    asked = {
        "action": body.get("action"),
        "actor": body.get("actor"),
        "call": (body.get("context") or {}).get("call"),
        "resource": body.get("resource"),
    }
    return hashlib.sha256(canonical_json(asked)).hexdigest()


class ReplayMemory:
    """The `jti`s seen and not yet expired; when full, the next token is refused rather than an old one forgotten."""

    def __init__(self, limit: int = 100_000) -> None:
        self._seen: dict[str, float] = {}
        self._limit = limit
        self.renew_lock()

    def renew_lock(self) -> None:
        """After a fork, where a thread that is gone may have held it."""
        self._lock = allocate_lock()

    def first_time(self, jti: str, expires: float, now: float) -> bool:
        with self._lock:
            if jti in self._seen:
                return False
            if len(self._seen) >= self._limit:
                self._seen = {known: end for known, end in self._seen.items() if end > now}
                if len(self._seen) >= self._limit:
                    return False
            self._seen[jti] = expires
            return True


class Verifier:
    """Checks tokens with one key. Build it once: a key that cannot be used is an error then, not later."""

    def __init__(self, key: str) -> None:
        scheme, separator, encoded = key.partition(":")
        self._secret = b""
        self._public_key: Any = None
        self._unusable = ""
        if separator and scheme == "hmac":
            self._secret = _decode_key(encoded)
        elif separator and scheme == "ed25519":
            self._load_ed25519(_decode_key(encoded))
        else:
            self._secret = key.encode("utf-8")
        if not self._secret and self._public_key is None and not self._unusable:
            raise ConfigurationError("GOVERNOR_DECISION_KEY is empty")

    def _load_ed25519(self, raw: bytes) -> None:
        try:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        except ImportError:
            self._unusable = "an ed25519 decision key needs the package `cryptography`: install it, or use an `hmac:` key"
            return
        try:
            self._public_key = Ed25519PublicKey.from_public_bytes(raw)
        except ValueError as error:
            raise ConfigurationError(f"GOVERNOR_DECISION_KEY: not an ed25519 public key: {error}") from error

    def check(self, token: Any, *, request_id: str, decision: str, args: str, now: float, memory: ReplayMemory) -> float:
        """Return the token's expiry, or raise `TokenError`."""
        if self._unusable:
            raise TokenError("token_invalid", self._unusable)
        if not isinstance(token, str) or not token:
            raise TokenError("token_invalid", "the answer carries no decision token")
        parts = token.split(".")
        if len(parts) != 3 or parts[0] != "v1" or not token.isascii():
            raise TokenError("token_invalid", "the decision token is not of the form v1.<payload>.<signature>")
        if not self._signed(f"{parts[0]}.{parts[1]}".encode("ascii"), _decode_part(parts[2])):
            raise TokenError("token_invalid", "the decision token's signature does not fit GOVERNOR_DECISION_KEY")
        import json

        try:
            payload = json.loads(_decode_part(parts[1]))
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            raise TokenError("token_invalid", "the decision token's payload is not a JSON object")
        expires, jti = payload.get("exp"), payload.get("jti")
        if type(expires) is not int or not isinstance(jti, str) or not jti:
            raise TokenError("token_invalid", "the decision token lacks an integer `exp` or a `jti`")
        for name, expected in (("request_id", request_id), ("decision", decision), ("args", args)):
            if payload.get(name) != expected:
                raise TokenError("token_invalid", f"the decision token's `{name}` belongs to another question")
        if expires <= now:
            raise TokenError("token_expired", f"the decision token expired {now - expires:.0f} s ago")
        if not memory.first_time(jti, expires, now):
            raise TokenError("token_replayed", f"the decision token `{jti}` was used before")
        return float(expires)

    def _signed(self, message: bytes, signature: bytes) -> bool:
        if self._public_key is not None:
            try:
                self._public_key.verify(signature, message)
            except Exception:  # cryptography's InvalidSignature; anything else is no proof either
                return False
            return True
        import hashlib
        import hmac

        return hmac.compare_digest(hmac.new(self._secret, message, hashlib.sha256).digest(), signature)


def _decode_key(encoded: str) -> bytes:
    import base64

    try:
        return base64.b64decode(encoded.replace("-", "+").replace("_", "/") + "=" * (-len(encoded) % 4), validate=True)
    except ValueError as error:
        raise ConfigurationError(f"GOVERNOR_DECISION_KEY: not base64: {error}") from error


def _decode_part(part: str) -> bytes:
    import base64

    if "+" in part or "/" in part or "=" in part:
        raise TokenError("token_invalid", "the decision token is not base64url without padding")
    try:
        return base64.b64decode(part.replace("-", "+").replace("_", "/") + "=" * (-len(part) % 4), validate=True)
    except ValueError:
        raise TokenError("token_invalid", "the decision token is not base64url") from None
