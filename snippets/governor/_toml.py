"""Reads `governor.toml`: with `tomllib` where Python has it (3.11), else the subset that our own tool writes.

The subset: `[table]`, `[[array of tables]]`, bare or quoted keys, and on one line basic and literal strings, integers,
floats, booleans and arrays of these (arrays may span lines). What it does not understand is an error.
"""

from __future__ import annotations

import re

from governor._errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["load_toml", "read_subset"]


def load_toml(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            text = file.read().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    try:
        import tomllib
    except ImportError:
        return read_subset(text.replace("\r\n", "\n"), path)
    try:
        document: dict[str, Any] = tomllib.loads(text)
        return document
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: {error}") from None


_TABLE = re.compile(r"(\[\[?)\s*((?:[A-Za-z0-9_-]+|\"[^\"\\]*\")(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"\\]*\"))*)\s*(\]\]?)\s*(?:#.*)?")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+|\"[^\"\\\n]*\"|'[^'\n]*')\s*=\s*")
_VALUE = re.compile(
    r"""(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<literal>'[^'\n]*')|(?P<flag>true|false)\b|(?P<number>[+-]?\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w:-])"""
)
_GAP = re.compile(r"(?:\s|#[^\n]*)*")
_END = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def read_subset(text: str, path: str) -> dict[str, Any]:
    document: dict[str, Any] = {}
    current = document
    position = 0
    while True:
        match = _GAP.match(text, position)
        position = match.end() if match else position
        if position >= len(text):
            return document
        header = _TABLE.match(text, position)
        if text[position] == "[" and header is not None and len(header.group(1)) == len(header.group(3)):
            names = [name.strip().strip('"') for name in re.findall(r"\"[^\"]*\"|[^.\s]+", header.group(2))]
            current = _open_table(document, names, len(header.group(1)) == 2, text, position, path)
            position = header.end()
            continue
        key = _KEY.match(text, position)
        if key is None:
            raise _error(text, position, path, "expected a [table] or `key = value`")
        name = key.group(1).strip("\"'")
        if name in current:
            raise _error(text, position, path, f"`{name}` stands there twice")
        current[name], position = _value(text, key.end(), path)
        end = _END.match(text, position)
        if end is None:
            raise _error(text, position, path, "expected the end of the line")
        position = end.end()


def _open_table(document: dict[str, Any], names: list[str], repeated: bool, text: str, position: int, path: str) -> dict[str, Any]:
    table = document
    for name in names[:-1]:
        inner = table.setdefault(name, {})
        inner = inner[-1] if isinstance(inner, list) and inner else inner
        if not isinstance(inner, dict):
            raise _error(text, position, path, f"`{name}` is not a table")
        table = inner
    last = names[-1]
    if repeated:
        rows = table.setdefault(last, [])
        if not isinstance(rows, list):
            raise _error(text, position, path, f"`{last}` is a table already")
        rows.append({})
        row: dict[str, Any] = rows[-1]
        return row
    if last in table:
        raise _error(text, position, path, f"`{last}` stands there twice")
    table[last] = {}
    made: dict[str, Any] = table[last]
    return made


def _value(text: str, position: int, path: str) -> tuple[Any, int]:
    if text.startswith("[", position):
        return _array(text, position + 1, path)
    match = _VALUE.match(text, position)
    if match is None or text.startswith(('"""', "'''"), position):
        raise _error(text, position, path, "this value is beyond the subset of TOML that is read before Python 3.11")
    kind, raw = match.lastgroup, match.group()
    if kind == "string":
        return _unescape(raw[1:-1], text, position, path), match.end()
    if kind == "literal":
        return raw[1:-1], match.end()
    if kind == "flag":
        return raw == "true", match.end()
    number = raw.replace("_", "")
    return (float(number) if any(mark in number for mark in ".eE") else int(number)), match.end()


def _array(text: str, position: int, path: str) -> tuple[list[Any], int]:
    items: list[Any] = []
    while True:
        gap = _GAP.match(text, position)
        position = gap.end() if gap else position
        if text.startswith("]", position):
            return items, position + 1
        item, position = _value(text, position, path)
        items.append(item)
        gap = _GAP.match(text, position)
        position = gap.end() if gap else position
        if text.startswith(",", position):
            position += 1
        elif not text.startswith("]", position):
            raise _error(text, position, path, "expected `,` or `]`")


def _unescape(raw: str, text: str, position: int, path: str) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        if code in _ESCAPES:
            return _ESCAPES[code]
        if len(code) in (5, 9):
            return chr(int(code[1:], 16))
        raise _error(text, position, path, "unknown escape in a string")

    return re.sub(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", replace, raw)


def _error(text: str, position: int, path: str, message: str) -> ConfigurationError:
    return ConfigurationError(f"{path}: line {text.count(chr(10), 0, position) + 1}: {message}")
