"""neo4j: sessions, transactions and the driver's own query; the server is a sink that hangs up."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("neo4j",)
SERVER = "sink"


def _driver(target: Any) -> Any:
    import neo4j

    return neo4j.GraphDatabase.driver(
        f"bolt://{target.host}:{target.port}", auth=("u", "p"), max_transaction_retry_time=0.01, telemetry_disabled=True
    )


def _message(error: Exception) -> str:
    return type(error).__name__


@way("session.run", faults=True, carriers=("thread", "fork"), effects=None)
def session_run(target: Any) -> Any:
    import neo4j.exceptions

    with _driver(target) as driver, driver.session() as session:
        try:
            session.run("create (n {m: $m})", m=target.marker)
        except (neo4j.exceptions.ServiceUnavailable, OSError) as error:
            return _message(error)


@way("execute_query", effects=None, decisions=None)
def execute_query(target: Any) -> Any:
    import neo4j.exceptions

    with _driver(target) as driver:
        try:
            driver.execute_query("create (n {m: $m})", m=target.marker)
        except (neo4j.exceptions.ServiceUnavailable, OSError) as error:
            return _message(error)
