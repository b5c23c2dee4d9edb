"""Governed file writing, for code that wants to name it: asked before the file is touched."""

from __future__ import annotations

import os

from governor._call import Call
from governor._primitive import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["delete", "write"]


def write(path: str | os.PathLike[str], data: str | bytes, *, append: bool = False, encoding: str = "utf-8") -> int:
    """Write `data` to `path`; returns the number of bytes written."""
    raw = data.encode(encoding) if isinstance(data, str) else bytes(data)
    call = _call("governor.fs.write", "write", path, "append" if append else "write", raw)

    def effect() -> int:
        with open(call.destination, "ab" if append else "wb") as file:
            return file.write(raw)

    return run(call, effect)


def delete(path: str | os.PathLike[str]) -> None:
    call = _call("governor.fs.delete", "delete", path, "remove", None)
    run(call, lambda: os.remove(call.destination))


def _call(qualified_name: str, action: str, path: Any, method: str, data: Any) -> Call:
    full = os.path.abspath(os.fsdecode(path))
    return Call(qualified_name, "filesystem", action, ("file", full), full, method, data)
