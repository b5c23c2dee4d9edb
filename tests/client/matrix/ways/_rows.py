"""SQLite as the server: rows in a file that the parent reads with a connection of its own."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile

from ..servers import Tally, Target


class Server(Tally):
    def __init__(self) -> None:
        super().__init__()
        self.path = os.path.join(tempfile.mkdtemp(), "rows.db")
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.execute("pragma journal_mode=wal")
            connection.execute("create table governor_matrix (marker text)")
            connection.commit()

    def address(self) -> Target:
        return {"path": self.path}

    def count(self, marker: str) -> int:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            row = connection.execute("select count(*) from governor_matrix where marker = ?", (marker,)).fetchone()
            return int(row[0])
