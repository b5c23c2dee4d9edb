"""Files (opt-in family `filesystem`): the audit events of opening for writing, removing, renaming and the like.

`open` has two names, `io.FileIO` and captured references a third way in; each raises the same event before it acts.
Replacing the functions would miss those and break code that keeps `open` as a class attribute. Setting `files` (globs)
says which paths are asked about; by default all but temporary files and caches.
"""

from __future__ import annotations

from governor._backstop import stand_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from governor._patcher import Patcher

LIBRARY = "files"
MODULES = ("builtins",)
FAMILY = "filesystem"


def install(module: ModuleType, patcher: Patcher) -> None:
    stand_by()
