"""SQLAlchemy over psycopg: Core, ORM, async, raw connections; one decision a statement."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way

REQUIRES = ("sqlalchemy", "psycopg")
SERVER = "postgres"
GEVENT = True
INSERT = "insert into governor_matrix values (:marker)"
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    _bound["engine"] = _engine(target)
    _bound["connection"] = _bound["engine"].connect()


def _url(target: Any) -> str:
    return str(target.dsn).replace("postgresql://", "postgresql+psycopg://")


def _engine(target: Any) -> Any:
    import sqlalchemy

    return sqlalchemy.create_engine(_url(target))


def _table() -> Any:
    import sqlalchemy

    return sqlalchemy.Table("governor_matrix", sqlalchemy.MetaData(), sqlalchemy.Column("marker", sqlalchemy.Text))


@way("connection.execute", carriers=True, faults=True)
def connection_execute(target: Any) -> Any:
    from sqlalchemy import text

    with _engine(target).begin() as connection:
        return connection.execute(text(INSERT), {"marker": target.marker}).rowcount


@way("core-insert")
def core_insert(target: Any) -> Any:
    with _engine(target).begin() as connection:
        return connection.execute(_table().insert().values(marker=target.marker)).rowcount


@way("exec_driver_sql")
def exec_driver_sql(target: Any) -> Any:
    with _engine(target).begin() as connection:
        return connection.exec_driver_sql("insert into governor_matrix values (%s)", (target.marker,)).rowcount


@way("executemany", effects=2)
def executemany(target: Any) -> Any:
    with _engine(target).begin() as connection:
        return connection.execute(_table().insert(), [{"marker": target.marker}, {"marker": target.marker}]).rowcount


@way("session.flush")
def session_flush(target: Any) -> Any:
    from sqlalchemy import Column, Text
    from sqlalchemy.orm import Session, declarative_base

    base = declarative_base()

    class Row(base):  # type: ignore[misc, valid-type]
        __tablename__ = "governor_matrix"
        marker = Column(Text, primary_key=True)

    with Session(_engine(target)) as session:
        session.add(Row(marker=target.marker))
        session.commit()


@way("session.execute")
def session_execute(target: Any) -> Any:
    from sqlalchemy import text
    from sqlalchemy.orm import Session

    with Session(_engine(target)) as session:
        result = session.execute(text("select governor_matrix_touch(:marker)"), {"marker": target.marker}).scalar()
        session.commit()
        return result


@way("raw_connection")
def raw_connection(target: Any) -> Any:
    connection = _engine(target).raw_connection()
    connection.cursor().execute("insert into governor_matrix values (%s)", (target.marker,))
    connection.commit()


@way("bound-connection")
def bound_connection(target: Any) -> Any:
    from sqlalchemy import text

    with _bound["connection"].begin():
        return _bound["connection"].execute(text(INSERT), {"marker": target.marker}).rowcount


@way("bound-engine")
def bound_engine(target: Any) -> Any:
    from sqlalchemy import text

    with _bound["engine"].begin() as connection:
        return connection.execute(text(INSERT), {"marker": target.marker}).rowcount


@way("async-connection.execute", carriers=True, faults=True)
async def async_execute(target: Any) -> Any:
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(_url(target))
    try:
        async with engine.begin() as connection:
            return (await connection.execute(text(INSERT), {"marker": target.marker})).rowcount
    finally:
        await engine.dispose()


@way("raises-bad-sql", effects=0)
def raises_bad_sql(target: Any) -> Any:
    from sqlalchemy import text

    with _engine(target).begin() as connection:
        connection.execute(text("insert into no_such_table values (:marker)"), {"marker": target.marker})
