"""oracledb: no server can be had here, so what counts is that the cursor's own code is never entered without an ALLOW."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("oracledb",)
SERVER = "files"


class _Connection:
    dsn = "127.0.0.1/x"

    _impl: Any = None

    def _verify_connected(self) -> None:
        return None

    async def _verify_connected_async(self) -> None:
        return None


def _cursor(target: Any, kind: str = "Cursor") -> Any:
    import oracledb

    class Implementation:
        def close(self, **options: Any) -> None:
            return None

        def __getattr__(self, name: str) -> Any:
            with open(target.path, "a") as out:
                out.write("x")
            raise RuntimeError("the statement would be sent now")

    cursor = object.__new__(getattr(oracledb, kind))
    cursor._impl = Implementation()
    cursor._connection = _Connection()
    cursor._connection._impl = Implementation()
    return cursor


@way("cursor.execute", faults=True, effects=None)
def execute(target: Any) -> Any:
    try:
        _cursor(target).execute("insert into t values (:1)", [target.marker])
    except RuntimeError as error:
        if "would be sent" not in str(error):
            raise
        return "reached"


@way("callproc", effects=None)
def callproc(target: Any) -> Any:
    try:
        _cursor(target).callproc("p", [target.marker])
    except RuntimeError as error:
        if "would be sent" not in str(error):
            raise
        return "reached"


@way("async-cursor.execute", effects=None)
async def async_execute(target: Any) -> Any:
    try:
        await _cursor(target, "AsyncCursor").execute("insert into t values (:1)", [target.marker])
    except RuntimeError as error:
        if "would be sent" not in str(error):
            raise
        return "reached"
