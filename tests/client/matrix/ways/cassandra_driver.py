"""cassandra-driver: no server can be had here, so what counts is that the session never makes a request without an ALLOW."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("cassandra.cluster",)
SERVER = "files"


def _session(target: Any) -> Any:
    from cassandra.cluster import Session

    class Own(Session):
        def __init__(self) -> None:
            self.keyspace = "matrix"

        def _create_response_future(self, *arguments: Any, **options: Any) -> Any:
            with open(target.path, "a") as out:
                out.write("x")
            raise LookupError("the request would be sent now")

    return Own()


@way("execute", faults=True)
def execute(target: Any) -> Any:
    try:
        _session(target).execute("insert into t (a) values (%s)", (target.marker,))
    except LookupError as error:
        return str(error)


@way("execute_async")
def execute_async(target: Any) -> Any:
    try:
        _session(target).execute_async("insert into t (a) values (%s)", (target.marker,))
    except LookupError as error:
        return str(error)


@way("execute_graph")
def execute_graph(target: Any) -> Any:
    session = _session(target)
    session._resolve_execution_profile_options = lambda *arguments: [None] * 6
    session._check_graph_paging_available = lambda: False
    try:
        session.execute_graph(f"g.addV('{target.marker}')")
    except (LookupError, AttributeError, TypeError):
        with open(target.path, "a") as out:
            out.write("x")
        return "reached"
