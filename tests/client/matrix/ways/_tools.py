"""Tools count in a file: a tool that ran has appended to the file named after its marker."""

from __future__ import annotations

from typing import Any


def touch(path: str) -> str:
    """What every tool here does."""
    with open(path, "a") as out:
        out.write("x")
    return "done"


async def touch_async(path: str) -> str:
    return touch(path)


SERVER = "files"


def one(target: Any) -> dict[str, str]:
    return {"path": target.path}
