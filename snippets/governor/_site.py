"""Where in the user's code a call was made."""

from __future__ import annotations

import os
import sys

__all__ = ["call_site"]

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_STANDARD_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_LIBRARY_MARKS = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)
_is_user_code: dict[str, int] = {}
_shown: dict[str, str] = {}

# A prompt, `python -c`, a notebook's cell.
_TYPED_IN = ("<stdin>", "<string>", "<ipython-input", "<python-input", "<console>")

_OURS, _LIBRARY, _USER = 0, 1, 2


def call_site() -> tuple[str, int, str]:
    """`(path, line, function)` of the innermost frame in the user's own code, else in any library's."""
    frame = sys._getframe(1)
    fallback = ("", 0, "")
    current = frame
    while current is not None:
        path = current.f_code.co_filename
        kind = _is_user_code.get(path)
        if kind is None:
            kind = _is_user_code[path] = _classify(path)
            _shown[path] = _relative(path)
        if kind == _USER and path == "<string>" and current.f_globals.get("__name__") != "__main__":
            # Not `python -c`, but code that a library made up under that name.
            kind = _LIBRARY
        if kind == _USER:
            return _shown[path], current.f_lineno, current.f_code.co_name
        if kind == _LIBRARY and not fallback[0]:
            fallback = (path, current.f_lineno, current.f_code.co_name)
        if current.f_back is None:
            break
        current = current.f_back
    return fallback


def _classify(path: str) -> int:
    if path.startswith("<") and not path.startswith(_TYPED_IN):
        # Code that a library made up, such as SQLAlchemy's wrappers.
        return _LIBRARY
    full = os.path.abspath(path)
    if full.startswith(_HERE):
        return _OURS
    if full.startswith(_STANDARD_LIBRARY) or any(mark in full for mark in _LIBRARY_MARKS):
        return _LIBRARY
    return _USER


def _relative(path: str) -> str:
    try:
        prefix = os.getcwd() + os.sep
    except OSError:
        return path
    return path[len(prefix) :].replace(os.sep, "/") if path.startswith(prefix) else path
