"""Runs a library's own test suite twice, without and with the client (everything allowed), and compares each test.

    python tests/client/transparency.py FOLDER [pytest arguments]

FOLDER is the library's unpacked sdist; Python is one that has the library and what its suite needs. Prints the counts of both
runs and every test whose outcome differs. Exit status 1 if one does that passed without the client.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree as ElementTree
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENABLE = """
import os, sys
sys.path.insert(0, os.environ["SNIPPETS"])
import governor
governor.enable(backstop="log")
"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    asked = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        Handler.asked += 1
        payload = json.dumps({"decision": "ALLOW", "metadata": {"request_id": "r-1", "canonicalization_trace": []}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *args: object) -> None:
        pass


def run(folder: Path, arguments: list[str], environment: dict[str, str], plugins: list[str]) -> dict[str, str]:
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugins, f"--junitxml={report.name}", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        tail = [line for line in done.stdout.splitlines() if " in " in line and ("passed" in line or "failed" in line)]
        print("   ", tail[-1] if tail else done.stdout[-800:] + done.stderr[-800:])
        outcomes: dict[str, str] = {}
        for case in ElementTree.parse(report.name).iter("testcase"):
            kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
            outcomes[f"{case.get('classname')}::{case.get('name')}"] = next(iter(kinds), "passed")
        return outcomes


def main() -> int:
    folder, arguments = Path(sys.argv[1]).resolve(), sys.argv[2:]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as plugins:
        (Path(plugins) / "governor_transparency.py").write_text(ENABLE)
        plain = dict(os.environ)
        governed = {
            **plain,
            "PYTHONPATH": os.pathsep.join([plugins, plain.get("PYTHONPATH", "")]).rstrip(os.pathsep),
            "SNIPPETS": str(HERE.parents[1] / "snippets"),
            "GOVERNOR_ENFORCE_URL": f"http://127.0.0.1:{server.server_address[1]}",
        }
        print(f"{folder.name}: without the client")
        before = run(folder, arguments, plain, [])
        print(f"{folder.name}: with it")
        after = run(folder, arguments, governed, ["-p", "governor_transparency"])
    print(f"    {Handler.asked} questions were asked")
    worse = 0
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name, "absent"), after.get(name, "absent")
        if one != other:
            worse += one == "passed"
            print(f"    differs: {name}: {one} -> {other}")
    print(f"    {worse} tests passed without the client and did not with it")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
