"""The one invariant, from outside: no governed side effect happens without an ALLOW for it.

Each cell is one library, one public way to cause its effect, one carrier (direct, a thread, a forked
child, ...) and one answer of the plane. The server counts: zero in every cell but ALLOW, and with
ALLOW the result or the exception is what it was before the client was loaded.
"""

from __future__ import annotations

import dataclasses
import socket
import time
from typing import Any, Dict, List, Optional

import pytest

from .children import Crew, Worker
from .plane import ALLOWING, ANSWERS, DECISION_KEY
from .servers import SinkServer
from .way import ASYNC_CARRIERS, CARRIERS, Library, Way, libraries

FAULTS = [name for name in ANSWERS if name not in ALLOWING + ("deny",)]


@dataclasses.dataclass(frozen=True)
class Cell:
    library: str
    way: Way
    mode: str
    carrier: str
    answer: str
    column: str

    @property
    def id(self) -> str:
        carrier = self.carrier or ("direct" if self.mode == "early" else self.mode)
        return f"{self.library}-{self.way.name}-{carrier}-{self.answer}"


def cells() -> List[Cell]:
    found: List[Cell] = []
    for stem, library in libraries().items():
        ways = library.ways
        found += [Cell(stem, way, "early", "", "plain", "plain") for way in ways]
        for way in ways:
            found += _cells_of(stem, library, way)
        for way in ways:
            found += [Cell(stem, way, "late", "", answer, "late") for answer in ("deny", "allow")]
        if library.gevent:
            for way in ways:
                if way.carriers and not way.is_async:
                    found += [Cell(stem, way, "gevent", "greenlet", answer, "gevent") for answer in ("deny", "allow")]
    return found


def _cells_of(stem: str, library: Library, way: Way) -> List[Cell]:
    found = [Cell(stem, way, "early", "", answer, answer) for answer in ("deny", "refused", "allow")]
    if way.redirects:
        found.append(Cell(stem, way, "early", "", "allow-first-only", "redirect"))
    if way.faults:
        # A token is good for one question: a way that asks several cannot be driven with one.
        faults = [fault for fault in FAULTS + ["breaker-open", "token-valid"] if way.decisions == 1 or fault != "token-replayed"]
        found += [Cell(stem, way, "early", "", fault, "faults") for fault in faults]
    for carrier in carriers_of(way):
        answers = ("deny", "allow") if carrier == "spawn" else ("deny", "truncated-json", "allow")
        found += [Cell(stem, way, "early", carrier, answer, "carriers") for answer in answers]
    return found


def carriers_of(way: Way) -> Any:
    if way.carriers is True:
        return ASYNC_CARRIERS if way.is_async else CARRIERS
    return way.carriers or ()


@pytest.mark.parametrize("cell", [pytest.param(cell, id=cell.id) for cell in cells()])
def test_cell(cell: Cell, yard: Any, record_property: Any) -> None:
    record_property("library", cell.library)
    record_property("way", cell.way.name)
    record_property("column", cell.column)
    crew: Crew = yard.crew(cell.library)
    if cell.answer == "plain":
        plain(crew, cell.way)
        return
    if cell.carrier == "spawn":
        yard.govern_spawned_children()
    worker = crew.ready(cell.mode)
    plain_outcome = crew.plain(cell.way)
    target = crew.target()
    before = len(worker.plane.asked)
    if cell.answer == "token-replayed":
        outcome = after_first_use(crew, worker, cell, target)
    elif cell.answer == "breaker-open":
        outcome = after_failures(crew, worker, cell, target)
    else:
        outcome = drive(worker, cell, [target])[0]
    asked = len(worker.plane.asked) - before
    if cell.answer in ("allow", "token-valid"):
        allowed(crew, cell, target["marker"], outcome, plain_outcome)
        if cell.way.decisions is not None:
            assert asked == cell.way.decisions, f"the plane was asked {asked} times: {worker.plane.asked[before:]}"
        return
    if cell.answer == "token-replayed":
        refused(cell, outcome)
        return
    crew.zero.append(target["marker"])
    count = crew.server.count(target["marker"])
    assert count == 0, f"{count} effects reached the server: {outcome}"
    refused(cell, outcome)


def drive(worker: Worker, cell: Cell, targets: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """The way, with the plane answering as the cell says."""
    settings: Dict[str, Any] = {}
    if worker.spoiled:
        settings = worker.settings()
    worker.spoiled = cell.answer not in ("allow", "deny")
    if cell.answer == "refused":
        settings = worker.settings(enforce_url=f"http://127.0.0.1:{closed_port()}")
    elif cell.answer in ("timeout", "slow-drip"):
        settings = worker.settings(timeout_ms=150)
    elif cell.answer.startswith("token-"):
        settings = worker.settings(decision_key=DECISION_KEY, cache_ttl_ms=0)
    elif cell.answer in FAULTS or cell.answer == "allow-first-only":
        settings = worker.settings()
    if cell.answer != "refused":
        worker.plane.answer = ANSWERS[cell.answer]
    worker.plane.begin()
    reply = worker.ask(do="run", way=cell.way.name, carrier=cell.carrier, targets=targets, settings=settings)
    outcomes: List[Dict[str, Any]] = reply["outcomes"]
    return outcomes


def after_failures(crew: Crew, worker: Worker, cell: Cell, target: Dict[str, Any]) -> Dict[str, Any]:
    """Failures until the breaker opens, then a plane that would allow."""
    failing = dataclasses.replace(cell, answer="http-500")
    targets = [crew.target() for _ in range(12)]
    drive(worker, failing, targets)
    crew.zero += [one["marker"] for one in targets]
    worker.plane.answer = ANSWERS["allow"]
    asked = len(worker.plane.asked)
    reply = worker.ask(do="run", way=cell.way.name, carrier="", targets=[target], settings={})
    assert len(worker.plane.asked) == asked, "the breaker is not open: the plane was asked"
    outcome: Dict[str, Any] = reply["outcomes"][0]
    return outcome


def after_first_use(crew: Crew, worker: Worker, cell: Cell, target: Dict[str, Any]) -> Dict[str, Any]:
    """The effect once with a good token, which is fine, and then with that token again."""
    worker.plane.memory.pop("replay", None)
    outcomes = drive(worker, cell, [target, target])
    first = crew.plain(cell.way)
    assert ("result" in outcomes[0]) == ("result" in first), f"the good token was refused: {outcomes[0]}"
    arrived(crew, target["marker"], cell.way.effects, outcomes[0])
    return outcomes[1]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def plain(crew: Crew, way: Way) -> None:
    """Without the client the way does what it says, or the other cells prove nothing."""
    outcome = crew.plain(way)
    arrived(crew, crew.plain_marker(way), way.effects, outcome)


def arrived(crew: Crew, marker: str, effects: Optional[int], outcome: Dict[str, Any]) -> None:
    until = time.monotonic() + 3
    while crew.server.count(marker) < (1 if effects is None else effects) and time.monotonic() < until:
        time.sleep(0.01)
    count = crew.server.count(marker)
    right = count >= 1 if effects is None else count == effects
    assert right, f"{count} effects arrived, not {effects or 'any'}: {outcome.get('trace', outcome)}"


def refused(cell: Cell, outcome: Dict[str, Any]) -> None:
    """The caller was told, by an exception of the client's own that nobody retries."""
    if cell.way.swallowed:
        return
    assert "raised" in outcome, f"nothing was raised: {outcome}"
    chain = outcome["raised"] if cell.way.wrapped else outcome["raised"][:1]
    is_governor = [any(name.endswith(".GovernorError") for name in types) for types in chain]
    assert any(is_governor), f"not a governor error: {outcome['trace']}"
    if not cell.way.wrapped:
        assert "builtins.RuntimeError" in chain[0] and "builtins.OSError" not in chain[0]


def allowed(crew: Crew, cell: Cell, marker: str, outcome: Dict[str, Any], before: Dict[str, Any]) -> None:
    arrived(crew, marker, cell.way.effects, outcome)
    if "raised" in before:
        assert outcome.get("raised", [None])[0] == before["raised"][0], outcome
        assert without(outcome["text"], marker) == without(before["text"], crew.plain_marker(cell.way))
    else:
        assert "result" in outcome, outcome.get("trace", outcome)
        expected = without(str(before["result"]), crew.plain_marker(cell.way))
        assert without(str(outcome["result"]), marker) == expected


def without(text: str, marker: str) -> str:
    return text.replace(marker, "MARKER")


@pytest.mark.parametrize("stem", sorted(libraries()))
def test_nothing_arrived_late(stem: str, yard: Any) -> None:
    """No effect of a denied cell came through after its cell had been judged."""
    crew: Crew = yard.finished(stem)
    if isinstance(crew.server, SinkServer):
        pytest.skip("a sink cannot tell later for whom a connection was")
    late = {marker: crew.server.count(marker) for marker in crew.zero}
    assert not any(late.values()), {marker: count for marker, count in late.items() if count}
