"""Servers and workers for the matrix, and the table at its end."""

from __future__ import annotations

import collections
import os
import pathlib
import subprocess
import sys
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import pytest

from .children import CLIENT, Crew
from .observers import REAL
from .servers import FileServer, HttpServer, SinkServer, SmtpServer, Tally
from .way import Library, libraries

REQUIRED = os.environ.get("GOVERNOR_REQUIRE_SERVERS") == "1"
_cells: Dict[Tuple[str, str], Dict[str, List[str]]] = collections.defaultdict(lambda: collections.defaultdict(list))


class Yard:
    """All servers and crews of the session; a library's crew stops when the next one's turn comes."""

    def __init__(self, folder: pathlib.Path, order: List[str]) -> None:
        self._folder = folder
        self._libraries = libraries()
        self._servers: Dict[str, Optional[Tally]] = {}
        self._crews: Dict[str, Crew] = {}
        self._current = ""
        self.order = order
        self._venv = folder / "venv"
        self._venv_made = False

    def server(self, library: Library) -> Optional[Tally]:
        name = library.server
        if name in REAL:
            if name not in self._servers:
                self._servers[name] = REAL[name].find()
            return self._servers[name]
        own: Dict[str, Callable[[], Tally]] = {
            "http": HttpServer,
            "smtp": SmtpServer,
            "sink": SinkServer,
            "files": lambda: FileServer(str(self._folder / library.stem)),
        }
        (self._folder / library.stem).mkdir(exist_ok=True)
        kind = getattr(library.module, "Server", None) or own[name]
        return kind()

    def crew(self, stem: str) -> Crew:
        """The library's crew, all others stopped but the one that comes next, which is starting up."""
        if stem != self._current:
            self._current = stem
            for crew in self._crews.values():
                if crew.library.stem != stem:
                    crew.stop()
        if stem not in self._crews:
            self._start(stem)
        if not self._crews[stem].led:
            self._crews[stem].led = True
            self._start_next(stem)
        return self._crews[stem]

    def finished(self, stem: str) -> Crew:
        if stem not in self._crews:
            pytest.skip("no cell of it ran")
        return self._crews[stem]

    def _start_next(self, stem: str) -> None:
        following = [name for name in self.order if name > stem]
        if following:
            try:
                self._start(following[0])
            except (pytest.skip.Exception, pytest.fail.Exception):
                return

    def _start(self, stem: str) -> Crew:
        library = self._libraries[stem]
        missing = library.missing()
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)}")
        server = self.server(library)
        if server is None:
            reason = f"no {library.server} answers at its port"
            pytest.fail(reason) if REQUIRED else pytest.skip(reason)
        crew = self._crews[stem] = Crew(library, server, str(self._venv / "bin" / "python"))
        return crew

    def govern_spawned_children(self) -> None:
        """Make the interpreter that spawned children run in, before the first of them."""
        if not self._venv_made:
            self._venv_made = True
            _make_governed_venv(self._venv)

    def stop(self) -> None:
        for crew in self._crews.values():
            crew.stop()


def _parameters(item: Any) -> Dict[str, Any]:
    return dict(item.callspec.params) if hasattr(item, "callspec") else {}


def _make_governed_venv(place: pathlib.Path) -> None:
    """A venv whose `.pth` enables the client: what a spawned child of an activated project runs in."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    environment = {**os.environ, "PYTHONPATH": str(CLIENT)}
    command = [sys.executable, "-m", "governor", "install-sitecustomize", "--venv", str(place)]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def yard(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    cells = [item.callspec.params["cell"] for item in request.session.items if "cell" in _parameters(item)]
    made = Yard(tmp_path_factory.mktemp("matrix"), sorted({cell.library for cell in cells}))
    yield made
    made.stop()


def pytest_runtest_logreport(report: Any) -> None:
    if "/matrix/test_matrix.py" not in report.nodeid or "[" not in report.nodeid:
        return
    if report.when != "call" and report.outcome == "passed":
        return
    properties = dict(report.user_properties)
    if "library" in properties:
        _cells[properties["library"], properties["way"]][properties["column"]].append(report.outcome)


COLUMNS = ("plain", "deny", "refused", "faults", "carriers", "late", "gevent", "redirect", "allow")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One row a way: in each column how many cells held, out of how many."""
    if not _cells:
        return
    line = terminalreporter.write_line
    line("")
    line("matrix: cells that held / cells (s: skipped)")
    line(f"{'library':<18}{'way':<34}" + "".join(f"{column:>10}" for column in COLUMNS))
    totals: Dict[str, List[str]] = collections.defaultdict(list)
    for (library, way), columns in sorted(_cells.items()):
        row = f"{library:<18}{way:<34}"
        for column in COLUMNS:
            row += f"{_held(columns.get(column, [])):>10}"
            totals[column] += columns.get(column, [])
        line(row)
    line(f"{'all':<52}" + "".join(f"{_held(totals[column]):>10}" for column in COLUMNS))


def _held(outcomes: List[str]) -> str:
    if not outcomes:
        return ""
    skipped = outcomes.count("skipped")
    if skipped == len(outcomes):
        return f"s{skipped}"
    return f"{outcomes.count('passed')}/{len(outcomes) - skipped}"
