"""Django: the cursor wrapper's three innermost methods, which the ORM and raw cursors of every backend share.

They are below `execute_wrapper`s, so that a wrapper that answers by itself asks nothing, and above the driver, whose patch then
passes. What a backend says to open a connection is its housekeeping.
"""

from __future__ import annotations

from governor._gate import passing
from governor._statement import governed_statement, server_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "django"
MODULES = (
    "django.db.backends.utils", "django.db.backends.postgresql.base", "django.db.backends.mysql.base", "django.db.backends.sqlite3.base",
    "django.db.backends.oracle.base",
)  # fmt: skip
FAMILY = "database"
NOT_INTERCEPTED = (
    "django.core.files.storage.Storage.save",
    "django.core.files.storage.Storage.delete",
    "django.core.files.storage.Storage.open",
    "django.core.management.call_command",
    "django.core.cache.backends.base.BaseCache.set",
    "django.core.cache.backends.base.BaseCache.add",
    "django.core.cache.backends.base.BaseCache.touch",
    "django.core.cache.backends.base.BaseCache.incr",
    "django.core.cache.backends.base.BaseCache.set_many",
    "django.core.cache.backends.base.BaseCache.delete",
    "django.core.cache.backends.base.BaseCache.delete_many",
    "django.core.cache.backends.base.BaseCache.clear",
    "django.core.cache.backends.base.BaseCache.get",
    "django.core.cache.backends.base.BaseCache.get_many",
)


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "django.db.backends.utils":
        for name in ("_execute", "_executemany", "callproc"):
            patcher.wrap(module.CursorWrapper, name, _run)
        return
    # These two look up what server it is; the others also write settings of the session.
    keep_house = _look_up if ".postgresql." in module.__name__ or ".mysql." in module.__name__ else _keep_house
    for name in ("get_new_connection", "init_connection_state"):
        patcher.wrap(module.DatabaseWrapper, name, keep_house, optional=True)


def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    statement, parameters = (args + (None, None))[:2]
    if wrapped.__name__ == "callproc":
        statement = f"CALL {statement}"
    settings = getattr(instance.db, "settings_dict", {})
    vendor = str(getattr(instance.db, "vendor", "database"))
    destination = server_url(vendor, settings.get("HOST"), settings.get("PORT"), settings.get("NAME"))
    with governed_statement("django.db.backends.utils.CursorWrapper.execute", destination, statement, parameters), passing("database"):
        return wrapped(*args, **kwargs)


def _look_up(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with passing("database", "read"):
        return wrapped(*args, **kwargs)


def _keep_house(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with passing("database"):
        return wrapped(*args, **kwargs)
