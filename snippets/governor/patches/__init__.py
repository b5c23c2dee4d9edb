'''One file a library: where the client takes hold of it. The registry is this directory.

A patch file says in its docstring which seam it takes and why, names itself in three constants that are
literals (they are read from the text, without importing the file), and installs itself:

    """redis: `execute_command` is what every command method of the client calls."""

    from __future__ import annotations

    from governor._call import Call
    from governor._gate import governed_call

    LIBRARY = "redis"                                  # distribution or standard library module, as people know it
    MODULES = ("redis.client", "redis.asyncio.client") # modules whose import triggers `install`
    FAMILY = "database"                                # category of the contract; `scope` for context propagation


    def install(module, patcher):
        if module.__name__ == "redis.client":
            patcher.wrap(module.Redis, "execute_command", _execute)
        else:
            patcher.wrap(module.Redis, "execute_command", _execute_async)


    def _execute(wrapped, instance, args, kwargs):
        with governed_call(_call_of(instance, args)):
            return wrapped(*args, **kwargs)


    async def _execute_async(wrapped, instance, args, kwargs):
        async with governed_call(_call_of(instance, args)):
            return await wrapped(*args, **kwargs)


    def _call_of(client, args):
        return Call(
            "redis.Redis.execute_command",             # qualified name of what the user called, or of the seam
            "database",                                # category
            "write",                                   # action: read write delete execute send export
            ("cache", "redis"),                        # resource (type, name), or None: by destination
            "redis://localhost:6379/0",                # destination: URL, path or command; secrets are masked later
            str(args[0]),                              # method: HTTP method, SQL verb, command, operation
            args,                                      # arguments: whatever makes this another question; only hashed
        )

Rules:

- Never import the library, not even for types: `install` gets the module, once for each name in `MODULES`, right after
  its code ran (at once if it is imported already; again after a reload). Import standard library modules
  that cost time inside functions.
- `patcher.wrap(owner, "name", wrapper)`: the wrapper gets `(wrapped, instance, args, kwargs)`, `wrapped` bound to
  `instance`. It is awaited if the original is a coroutine function; pass `asynchronous=False` for a plain
  function that returns an awaitable and `True` for a coroutine function in disguise. Where the attribute does not
  exist (other versions) None comes back; a module in which none of the attributes exists cannot be imported while the
  client is enabled, rather than go ungoverned, so pass `optional=True` for what is no seam (housekeeping). Patch methods in their class, so that names bound before
  count too; C functions of a module are rebound wherever a module captured them.
- `patcher.replace(owner, "name", object)` for factories of C types (hand out a subclass);
  `patcher.on_restore(function)` to undo a registration (event listeners).
- `governed_call(call)` asks once. Layers below it pass without a question if they are part of the same call:
  same URL and method for `http`, same statement or same action and resource for `database`, same resource or
  destination otherwise. A call whose inner layers have another category says so:
  `Call(..., carries=("http",))` lets those pass that go to the destination's host or below it, or to one in `hosts=(...)`.
- Build the `Call` before the effect, from arguments alone; do not consume iterators or read streams. What cannot be hashed
  (a generator, a file) may be passed as `arguments` all the same: such a call is asked each time.
- What goes on in a library's own housekeeping (heartbeats, connection set-up, pings) is wrapped in `with passing("database"):`
  from `governor._gate`, or not patched at all.
- Work handed to another thread by the library: pass the function through `governor._scope.carry(function)`.
- A `Call` with `data={"pii": True, "sensitivity": [...]}` adds markers to the intent.
- Denials leave the wrapper as they are: no `except`, no translation, no retry.
'''

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["Patch", "find_patches"]


class Patch:
    """A patch file's constants; the file itself is imported when its library is."""

    __slots__ = ("family", "library", "modules", "stem")

    def __init__(self, stem: str, library: str, modules: tuple[str, ...], family: str) -> None:
        self.stem = stem
        self.library = library
        self.modules = modules
        self.family = family

    def load(self) -> Any:
        import importlib

        return importlib.import_module("governor.patches." + self.stem)


def find_patches() -> Iterator[Patch]:
    """Every patch file beside this one, by name."""
    directory = os.path.dirname(os.path.abspath(__file__))
    if not os.path.isdir(directory):
        yield from _find_in_archive()
        return
    for name in sorted(os.listdir(directory)):
        if name.endswith(".py") and not name.startswith("_"):
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                yield _read_constants(name[:-3], file.read())


def _find_in_archive() -> Iterator[Patch]:
    import importlib
    import pkgutil

    for entry in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        if not entry.name.startswith("_"):
            patch = importlib.import_module("governor.patches." + entry.name)
            yield Patch(entry.name, patch.LIBRARY, patch.MODULES, patch.FAMILY)


def _read_constants(stem: str, text: str) -> Patch:
    """Without `re` and without compiling the file: this runs for each file at every start."""
    library = _strings(text, "\nLIBRARY = ", "\n")
    family = _strings(text, "\nFAMILY = ", "\n")
    modules = _strings(text, "\nMODULES = (", ")")
    return Patch(stem, library[0], modules, family[0])


def _strings(text: str, start: str, end: str) -> tuple[str, ...]:
    """The string literals between `start` and the next `end`."""
    return tuple(text.partition(start)[2].partition(end)[0].split('"')[1::2])
