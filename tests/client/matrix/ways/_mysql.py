"""The ways that the MySQL drivers share: they are DB-API, on the same server."""

from __future__ import annotations

from typing import Any, Callable, Dict

from ..way import way

INSERT = "insert into governor_matrix values (%s)"


def declare(into: Dict[str, Any], connect: Callable[[Any], Any], *, gevent: bool = False) -> None:
    """Declare the shared ways for a driver's module; `connect` opens an autocommitting connection."""
    ways = into.setdefault("_ways", [])
    bound: Dict[str, Any] = {}

    def prepare(target: Any) -> None:
        bound["connection"] = connect(target)
        bound["cursor"] = bound["connection"].cursor()

    def execute(target: Any) -> Any:
        connection = connect(target)
        cursor = connection.cursor()
        cursor.execute(INSERT, (target.marker,))
        connection.commit()
        connection.close()
        return cursor.rowcount

    def executemany(target: Any) -> Any:
        connection = connect(target)
        cursor = connection.cursor()
        cursor.executemany(INSERT, [(target.marker,), (target.marker,)])
        connection.commit()
        connection.close()
        return cursor.rowcount

    def callproc(target: Any) -> Any:
        connection = connect(target)
        cursor = connection.cursor()
        result = cursor.callproc("governor_matrix_touch", (target.marker,))
        cursor.close()
        connection.commit()
        connection.close()
        return list(result)

    def bound_connection(target: Any) -> Any:
        cursor = bound["connection"].cursor()
        cursor.execute(INSERT, (target.marker,))
        bound["connection"].commit()
        return cursor.rowcount

    def bound_cursor(target: Any) -> Any:
        bound["cursor"].execute(INSERT, (target.marker,))
        bound["connection"].commit()
        return bound["cursor"].rowcount

    def raises_bad_sql(target: Any) -> Any:
        connection = connect(target)
        connection.cursor().execute("insert into no_such_table values (%s)", (target.marker,))

    into["prepare"] = prepare
    del ways[:]
    for function, options in (
        (execute, {"name": "cursor.execute", "carriers": True, "faults": True}),
        (executemany, {"name": "executemany", "effects": 2, "decisions": None}),
        (callproc, {"name": "callproc", "decisions": None}),
        (bound_connection, {"name": "bound-connection"}),
        (bound_cursor, {"name": "bound-cursor"}),
        (raises_bad_sql, {"name": "raises-bad-sql", "effects": 0}),
    ):
        way(_into=ways, **options)(function)  # type: ignore[arg-type]
