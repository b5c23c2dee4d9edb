"""What the ways to start a process have in common: the program's name, the command as one destination."""

from __future__ import annotations

import os
import sys

from governor._call import Call
from governor._gate import governed_call, passing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["is_housekeeping", "process_call", "process_started"]

# What the standard library runs to learn about the machine, and the helper of its own process pools.
_HOUSEKEEPERS = frozenset({"platform", "ctypes.util", "uuid", "_osx_support", "_aix_support", "multiprocessing.resource_tracker"})
_STARTERS = frozenset({"subprocess", "os", "multiprocessing.util"})
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash"})

# What makes one line of a shell more than one command; inside quotes too, as that is the stricter reading.
_JOINS = (";", "&", "|", "\n", "`", "$(", "<(", ">(")


def process_call(
    qualified_name: str, command: Any, *, executable: Any = None, shell: bool = False, cwd: Any = None, env: Any = None
) -> Call:
    words = _words(command)
    if not shell and len(words) > 2 and os.path.basename(words[0]) in _SHELLS and words[1] == "-c":
        words, shell = words[2:], True
    program = os.path.basename(_text(executable)) if executable and not shell else _first_program(words, shell)
    text = " ".join(_quoted(word) for word in words) if len(words) > 1 else (words[0] if words else "")
    arguments = (words, _text(executable) if executable else None, shell, _text(cwd) if cwd else _here(), dict(env) if env is not None else None)
    return Call(qualified_name, "process", "execute", ("process", program), text, os.path.basename(program), arguments)


def _here() -> str:
    """Where a command runs that names no place: a relative path means another file elsewhere."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def is_housekeeping() -> bool:
    """Whether the standard library itself starts this process, unasked by the user's code."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        name = frame.f_globals.get("__name__", "")
        if name not in _STARTERS and not name.startswith("governor."):
            return name in _HOUSEKEEPERS
        frame = frame.f_back
    return False


def _words(command: Any) -> list[str]:
    if isinstance(command, (str, bytes)) or hasattr(command, "__fspath__"):
        return [_text(command)]
    try:
        return [_text(word) for word in command]
    except TypeError:
        return [repr(command)]


def _text(value: Any) -> str:
    if isinstance(value, (bytes, str)) or hasattr(value, "__fspath__"):
        return os.fsdecode(value)
    return str(value)


def _first_program(words: list[str], shell: bool) -> str:
    if not words:
        return ""
    if not shell:
        return os.path.basename(words[0]) or words[0]
    # A permit for the first program is none for what follows it.
    if any(mark in words[0] for mark in _JOINS):
        return "sh"
    for word in words[0].split():
        if "=" not in word.partition("/")[0]:
            return os.path.basename(word) or word
    return "sh"


def _quoted(word: str) -> str:
    if word and all(character.isalnum() or character in "@%+=:,./-_" for character in word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"


def process_started(call: Call) -> Any:
    """The guard around starting a process: `with process_started(call):`."""
    return passing("process") if is_housekeeping() else governed_call(call)
