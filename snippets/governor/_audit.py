"""The audit log: JSON lines in a SHA-256 chain, one a decision.

Each line ends with `prev`, the hash of the line before it, and `hash`, over the line's own canonical JSON with
`prev` and without `hash`. A changed, dropped, doubled or reordered line breaks the chain. Writers in several
processes and threads take a file lock; each line is one write, so that a killed process loses at
most the line it was writing. A rotated file's last hash is the next file's first `prev`.
"""

from __future__ import annotations

import hashlib
import json
import os
from _thread import allocate_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

try:
    import fcntl
except ImportError:  # Windows: one writing process at a time
    fcntl = None  # type: ignore[assignment]

__all__ = ["AuditLog", "verify"]

GENESIS = "0" * 64
_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str).encode
_TAIL = 65_536


class AuditLog:
    def __init__(self, path: str, max_bytes: float, backups: int) -> None:
        self._path = os.path.abspath(path)
        self._max_bytes = max_bytes
        self._backups = backups
        self._lock = allocate_lock()
        self._fd = -1
        self._identity: tuple[int, int] = (0, 0)
        self._size = -1
        self._last = GENESIS

    def after_fork(self) -> None:
        self._lock = allocate_lock()
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._size = -1, -1

    def close(self) -> None:
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
            self._fd, self._size = -1, -1

    def write(self, line: dict[str, Any]) -> None:
        from governor._gate import passing

        with self._lock, passing("*"):
            size = self._locked_file()
            try:
                if size != self._size:
                    self._size = self._mend(size)
                if self._max_bytes and self._size >= self._max_bytes:
                    self._rotate()
                line["prev"] = self._last
                canonical = _canonical(line)
                digest = hashlib.sha256(canonical).hexdigest()
                raw = canonical[:-1] + b',"hash":"' + digest.encode("ascii") + b'"}\n'
                written = 0
                while written < len(raw):
                    written += os.write(self._fd, raw[written:])
                self._size += len(raw)
                self._last = digest
            except BaseException:
                self._size = -1
                raise
            finally:
                self._unlock()

    def _locked_file(self) -> int:
        """Open and lock the file that now stands at the path (another process may have rotated it); its size."""
        while True:
            if self._fd < 0:
                directory = os.path.dirname(self._path)
                if directory:
                    os.makedirs(directory, exist_ok=True)
                self._fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
                opened = os.fstat(self._fd)
                self._identity = (opened.st_dev, opened.st_ino)
                self._size = -1
            if fcntl is not None:
                fcntl.flock(self._fd, fcntl.LOCK_EX)
            try:
                there = os.stat(self._path)
                if (there.st_dev, there.st_ino) == self._identity:
                    return there.st_size
            except FileNotFoundError:
                self._identity = (0, 0)
            os.close(self._fd)
            self._fd = -1

    def _unlock(self) -> None:
        if fcntl is not None and self._fd >= 0:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _mend(self, size: int) -> int:
        """Learn the last hash from the file's end; cut off a last line that a killed process left unfinished."""
        if size == 0:
            self._last = self._last_of_rotated()
            return 0
        span = _TAIL
        while True:
            start = max(0, size - span)
            tail = os.pread(self._fd, size - start, start)
            body = tail if tail.endswith(b"\n") else tail[: tail.rfind(b"\n") + 1]
            if start == 0 or body.rstrip(b"\n").rfind(b"\n") >= 0:
                break
            span *= 4
        if len(body) != len(tail):
            size -= len(tail) - len(body)
            os.ftruncate(self._fd, size)
        if not body:
            self._last = self._last_of_rotated()
            return size
        self._last = _hash_in(body.rstrip(b"\n").rpartition(b"\n")[2])
        return size

    def _last_of_rotated(self) -> str:
        try:
            with open(self._path + ".1", "rb") as rotated:
                rotated.seek(0, os.SEEK_END)
                size = rotated.tell()
                rotated.seek(max(0, size - 4 * _TAIL))
                return _hash_in(rotated.read().rstrip(b"\n").rpartition(b"\n")[2])
        except OSError:
            return GENESIS

    def _rotate(self) -> None:
        last = self._last
        for number in range(self._backups, 0, -1):
            source = self._path if number == 1 else f"{self._path}.{number - 1}"
            if os.path.exists(source):
                os.replace(source, f"{self._path}.{number}")
        if self._backups == 0:
            os.unlink(self._path)
        old = self._fd
        self._fd = -1
        size = self._locked_file()
        os.close(old)
        if size or self._backups:
            # Other processes may have come first, written to the new file, and even rotated it.
            self._size = self._mend(size)
        else:
            self._last, self._size = last, 0


def line_hash(line: dict[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a line without its `hash`."""
    return hashlib.sha256(_canonical(line)).hexdigest()


def _canonical(line: dict[str, Any]) -> bytes:
    return _encoder(line).encode("ascii")


def _hash_in(raw: bytes) -> str:
    try:
        value = json.loads(raw)["hash"]
    except (ValueError, KeyError, TypeError):
        return GENESIS
    return value if isinstance(value, str) else GENESIS


def verify(path: str) -> Iterator[str]:
    """What is wrong with the chain, a sentence a line; nothing if it holds. A first `prev` other than the
    genesis is accepted only if it is the last hash of the rotated file before this one."""
    previous: str | None = None
    seen: set[str] = set()
    with open(path, "rb") as file:
        for number, raw in enumerate(file, 1):
            if not raw.endswith(b"\n"):
                yield f"line {number}: unfinished, its writer was stopped"
                return
            try:
                line = json.loads(raw)
            except ValueError:
                line = None
            if not isinstance(line, dict) or not isinstance(line.get("hash"), str) or not isinstance(line.get("prev"), str):
                yield f"line {number}: not a line of an audit log"
                previous = None
                continue
            claimed = line.pop("hash")
            if line_hash(line) != claimed:
                yield f"line {number}: changed, its hash does not fit its content"
            elif claimed in seen:
                yield f"line {number}: doubled, the same line stands above"
            if previous is None:
                if number == 1 and line["prev"] != _expected_first(path):
                    yield f"line {number}: the lines before it are missing"
            elif line["prev"] != previous:
                yield f"line {number}: dropped or reordered, it does not follow the line above"
            seen.add(claimed)
            previous = claimed


def _expected_first(path: str) -> str:
    stem, dot, number = path.rpartition(".")
    older = f"{stem}.{int(number) + 1}" if dot and number.isdigit() else f"{path}.1"
    try:
        with open(older, "rb") as file:
            last = b""
            for raw in file:
                last = raw
            return _hash_in(last)
    except OSError:
        return GENESIS
