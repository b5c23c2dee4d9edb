"""Runs the snippets of the documentation, so that no page shows what does not work.

    python tests/docs/run_snippets.py --binary target/debug/governor-mcp [PAGE ...]

Blocks of a page run in order, in one temporary folder, under a local policy plane of its own:

    ```python                 runs as a script
    ```python raises=NAME     runs, and has to end with that exception
    ```sh                     runs with `sh -eu`, with `governor-mcp`, `python` and `git` on the path
    ```sh exit=1              runs, and has to end with that status
    ```LANGUAGE file=PATH     is written to PATH first, and does not run
    ```json, ```toml          have to parse

Everything else (`text`, `console`, `cedar`, …) does not run. Front matter: `sample: NAME` copies
`tests/docs/samples/NAME` into the folder, `needs: a, b` names the libraries that the page imports,
`tools: a, b` the programs that its shell blocks call.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = {
    "cedar", "console", "diff", "dockerfile", "http", "ini", "json", "jsonc", "kdl", "makefile", "python",
    "rust", "sh", "text", "toml", "xml", "yaml",
}  # fmt: skip
BLOCK = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```[ ]*$", re.M | re.S)
TIMEOUT = 180


class Block:
    def __init__(self, page: str, line: int, info: str, body: str) -> None:
        self.where = f"{page}:{line}"
        self.language, _, rest = info.partition(" ")
        self.options = dict(option.partition("=")[::2] for option in rest.split())
        self.body = body

    @property
    def runs(self) -> bool:
        return self.language in ("python", "sh") and "file" not in self.options


def blocks_of(page: str, source: str) -> list[Block]:
    found = []
    for match in BLOCK.finditer(source):
        line = source.count("\n", 0, match.start()) + 1
        width = len(match["indent"])
        body = "".join(text[width:] if text[:width].isspace() or not width else text for text in match["body"].splitlines(True))
        found.append(Block(page, line, match["info"].strip(), body))
    return found


def front_matter(source: str) -> dict[str, str]:
    if not source.startswith("---\n"):
        return {}
    head = source[4:].partition("\n---\n")[0]
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in head.splitlines())}


def check_form(block: Block) -> str:
    """What is wrong with a block that does not run, or with its label."""
    if block.language not in LANGUAGES:
        return f"unknown language `{block.language}`"
    try:
        if block.language == "json":
            json.loads(block.body)
        elif block.language == "toml" and sys.version_info >= (3, 11):
            import tomllib

            tomllib.loads(block.body)
        elif block.language == "python":
            compile(block.body, block.where, "exec")
    except (ValueError, SyntaxError) as error:
        return f"does not parse: {error}"
    return ""


class Plane:
    """A local policy plane for one page."""

    def __init__(self, binary: Path, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        arguments = [str(binary), "policy", "serve", "--listen", f"127.0.0.1:{port}"]
        if (folder / "policies").is_dir():
            arguments += ["--policies", str(folder / "policies")]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(arguments, stdout=self.log, stderr=self.log, cwd=folder)
        for _ in range(200):
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(self.url + "/health", timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        self.stop()
        self.log.seek(0)
        raise RuntimeError(f"the local plane did not start: {self.log.read()}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def environment(folder: Path, binary: Path, plane: Plane) -> dict[str, str]:
    tools = folder / ".bin"
    tools.mkdir(exist_ok=True)
    for name, target in (("governor-mcp", binary), ("python", Path(sys.executable)), ("python3", Path(sys.executable))):
        if not (tools / name).exists():
            (tools / name).write_text(f'#!/bin/sh\nexec "{target}" "$@"\n')
            (tools / name).chmod(0o755)
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR", "VIRTUAL_ENV") if name in os.environ}
    return {
        **kept,
        "PATH": f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder / ".home"),
        "PYTHONPATH": str(ROOT / "snippets"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_AUTHOR_NAME": "reader",
        "GIT_AUTHOR_EMAIL": "reader@example.com",
        "GIT_COMMITTER_NAME": "reader",
        "GIT_COMMITTER_EMAIL": "reader@example.com",
        "GOVERNOR_ENFORCE_URL": plane.url,
        "GOVERNOR_API_KEY": "local-development-key",
    }


def run_block(block: Block, folder: Path, environ: dict[str, str]) -> str:
    """What went wrong, or nothing."""
    if block.language == "python":
        script = folder / ".snippet.py"
        script.write_text(block.body)
        command = [sys.executable, str(script)]
        environ = {**environ, "PYTHONPATH": f"{folder}:{environ['PYTHONPATH']}"}
    else:
        command = ["sh", "-eu", "-c", block.body]
    try:
        done = subprocess.run(
            command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return f"still running after {TIMEOUT} s"
    output = f"{done.stdout}{done.stderr}"
    if "raises" in block.options:
        if done.returncode != 0 and re.search(rf"^(\w+\.)*{block.options['raises']}\b", done.stderr, re.M):
            return ""
        return f"did not raise {block.options['raises']}:\n{output}"
    expected = int(block.options.get("exit", 0))
    return "" if done.returncode == expected else f"exit status {done.returncode}, not {expected}:\n{output}"


def run_page(page: str, source: str, binary: Path) -> tuple[int, list[str], str]:
    """How many blocks ran, what went wrong, and why the page was skipped."""
    blocks = blocks_of(page, source)
    problems = [f"{block.where}: {problem}" for block in blocks if (problem := check_form(block))]
    if problems or not any(block.runs for block in blocks):
        return 0, problems, ""
    front = front_matter(source)
    needs = [name.strip() for name in front.get("needs", "").split(",") if name.strip()]
    tools = [name.strip() for name in front.get("tools", "").split(",") if name.strip()]
    missing = [name for name in needs if importlib.util.find_spec(name) is None]
    missing += [name for name in tools if shutil.which(name) is None]
    if missing:
        return 0, [], f"needs {', '.join(missing)}"
    ran = 0
    with tempfile.TemporaryDirectory(prefix="governor-docs-") as temporary:
        folder = Path(temporary).resolve()
        if "sample" in front:
            shutil.copytree(ROOT / "tests/docs/samples" / front["sample"], folder, dirs_exist_ok=True)
        plane = None
        try:
            for block in blocks:
                if "file" in block.options:
                    target = folder / block.options["file"]
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text(block.body)
                elif block.runs:
                    plane = plane or Plane(binary, folder)
                    problem = run_block(block, folder, environment(folder, binary, plane))
                    ran += 1
                    if problem:
                        return ran, [f"{block.where}: {problem}"], ""
        except RuntimeError as error:
            return ran, [f"{page}: {error}"], ""
        finally:
            if plane is not None:
                plane.stop()
    return ran, [], ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--require", action="store_true", help="fail where a library that a page needs is missing")
    parser.add_argument("pages", nargs="*", help="names of pages; all where none is given")
    arguments = parser.parse_args()
    paths = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
    total, failed, skipped = 0, [], []
    for path in paths:
        name = str(path.relative_to(ROOT))
        if arguments.pages and not any(wanted in name for wanted in arguments.pages):
            continue
        ran, problems, skip = run_page(name, path.read_text(encoding="utf-8"), arguments.binary.resolve())
        total += ran
        failed += problems
        if skip:
            skipped.append(f"{name}: {skip}")
    for line in failed:
        print(line)
    for line in skipped:
        print(f"skipped {line}")
    print(f"{total} snippets ran, {len(failed)} problems, {len(skipped)} pages skipped")
    return 1 if failed or (skipped and arguments.require) else 0


if __name__ == "__main__":
    sys.exit(main())
