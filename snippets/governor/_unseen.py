"""Libraries whose effects no patch can reach and no audit event shows: C types over sockets or files of their own.

Importing one is reported as ungoverned (`GOVERNOR_BACKSTOP=log`) or stopped (`enforce`); `doctor` names those that are installed.
Sorted by module.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

__all__ = ["UNSEEN", "installed", "when_unseen"]

# Module: library, category, action.
UNSEEN = {
    "adbc_driver_manager": ("adbc-driver-manager", "database", "execute"),
    "aerospike": ("aerospike", "database", "execute"),
    "apsw": ("apsw", "database", "execute"),
    "connectorx": ("connectorx", "database", "execute"),
    "couchbase": ("couchbase", "database", "execute"),
    "cx_Oracle": ("cx_Oracle", "database", "execute"),
    "deltalake": ("deltalake", "database", "write"),
    "ibm_db": ("ibm_db", "database", "execute"),
    "lancedb": ("lancedb", "database", "write"),
    "lmdb": ("lmdb", "database", "write"),
    "mariadb": ("mariadb", "database", "execute"),
    "obstore": ("obstore", "cloud", "write"),
    "pgdb": ("PyGreSQL", "database", "execute"),
    "plyvel": ("plyvel", "database", "write"),
    "primp": ("primp", "http", "write"),
    "psqlpy": ("psqlpy", "database", "execute"),
    "pulsar": ("pulsar-client", "messaging", "send"),
    "pycurl": ("pycurl", "http", "write"),
    "pylibmc": ("pylibmc", "database", "write"),
    "pymssql": ("pymssql", "database", "execute"),
    "pynng": ("pynng", "messaging", "send"),
    "pyodbc": ("pyodbc", "database", "execute"),
    "pysqlite3": ("pysqlite3", "database", "execute"),
    "rnet": ("rnet", "http", "write"),
    "rocksdict": ("rocksdict", "database", "write"),
    "sqlcipher3": ("sqlcipher3", "database", "execute"),
    "turbodbc": ("turbodbc", "database", "execute"),
    "zmq": ("pyzmq", "messaging", "send"),
}


def when_unseen(when_imported: Callable[[str, Any], None], families: tuple[str, ...]) -> None:
    """Report each of them as it is imported, or now if it is there already."""
    for name, (_library, category, _action) in UNSEEN.items():
        if category in families:
            when_imported(name, _report)


def _report(module: ModuleType) -> None:
    from governor._backstop import report_unseen
    from governor._call import Call

    library, category, action = UNSEEN[module.__name__]
    report_unseen(Call(module.__name__, category, action, (category, library), ""), "the library takes no patch: its effects are not governed")


def installed() -> list[str]:
    """Those that this Python could import, without importing them."""
    from importlib.util import find_spec

    return [library for module, (library, _category, _action) in UNSEEN.items() if find_spec(module) is not None]
