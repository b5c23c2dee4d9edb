"""Sample services with their real frameworks, integrated by `integrate --mode hybrid`, under a plane that denies all.

Each does its work twice. Without the client, its effect arrives: at a server on loopback, or as a change that is left
behind. Enabled, nothing arrives, the answer is a clean error, and the process lives and does what needs no decision.

python deny_all.py GOVERNOR_MCP SAMPLES
"""

import asyncio
import contextlib
import json
import os
import pathlib
import shutil
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

sys.argv[1:] = [str(pathlib.Path(argument).resolve()) for argument in sys.argv[1:]]

from loop import free_port, governor, lines, post, running, until  # noqa: E402
from standin import stand_in  # noqa: E402

BINARY, SAMPLES = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])

# What would reach the outside, were it not for the plane.
MOST_DECISIONS = 12


class Mail(socketserver.StreamRequestHandler):
    """A mail server that takes everything."""

    def handle(self):
        self.wfile.write(b"220 ready\r\n")
        is_message = False
        for line in self.rfile:
            if is_message and line != b".\r\n":
                continue
            if is_message:
                self.server.seen.append("mail")
            is_message = line.upper().startswith(b"DATA")
            code = {b"DATA": b"354", b"QUIT": b"221"}.get(line[:4].upper(), b"250")
            self.wfile.write(code + b" ok\r\n")


class Service:
    """One sample in a folder of its own, with what it calls."""

    def __init__(self, folder, name):
        self.folder, self.name = folder / name, name
        self.repo, self.audit = self.folder / "repo", self.folder / "audit.jsonl"
        shutil.copytree(SAMPLES / name, self.repo)
        self.seen = []
        outside = f"http://127.0.0.1:{stand_in(self.seen)}"
        mail = stand_in(self.seen, socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GOVERNOR_")},
            "OUTSIDE": outside,
            "SMTP_PORT": str(mail),
            "OPENAI_BASE_URL": outside,
            "OPENAI_API_KEY": "none",
            "BROKER_URL": "filesystem://",
            "PYTHONUNBUFFERED": "1",
        }

    def run(self, *command, enabled):
        done = subprocess.run(
            [sys.executable, *command], cwd=self.repo, env=self.settings(enabled), capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, done.stdout + done.stderr

    def settings(self, enabled):
        return {**self.environment, "GOVERNOR_ENABLED": "1" if enabled else "0"}

    def serve(self, *command, ready, enabled):
        return running([sys.executable, *command], ready, cwd=self.repo, env=self.settings(enabled))

    def health(self):
        with urllib.request.urlopen(self.url + "/health", timeout=30) as answer:
            return json.load(answer)

    def denied(self):
        """The calls that were asked about, each denied. What the backstop logs beside them is no effect's: a mail
        server is connected to before there is a mail to ask about."""
        found = [line for line in lines(self.audit) if not line.get("backstop")] if self.audit.exists() else []
        assert found and all(line["decision"] == "DENY" for line in found), found
        return [line["call"]["qualified_name"] for line in found]


def check_web(service, command, ready, requests, left=lambda: False):
    """`requests` are paths with a body; `left` is whether work left something behind beside the calls."""
    command = [part.replace("PORT", str(service.port)) for part in command]
    with service.serve(*command, ready=ready, enabled=False):
        for path, body in requests:
            status, said = post(service.url + path, body)
            assert 200 <= status < 300, (service.name, path, status, said)
        assert len(service.seen) + left() == len(requests), (service.name, service.seen)
    service.seen.clear()
    statuses = []
    with service.serve(*command, ready=ready, enabled=True):
        for path, body in [*requests, *requests]:
            status, said = post(service.url + path, body)
            # The framework's answer to an error that nobody handled: no page of a traceback, no dropped connection.
            assert status in (403, 500) and "Traceback" not in said and len(said) < 2000, (service.name, path, status, said)
            statuses.append(status)
            assert service.health() == {"status": "ok"}, service.name
    return f"HTTP {statuses[0]}"


def flask_orders(service):
    web = ["-m", "gunicorn", "-w", "2", "-b", "127.0.0.1:PORT", "app:app"]
    return check_web(service, web, "Booting worker", [("/orders", {"amount": 5}), ("/receipts", {})])


def django_notes(service):
    with contextlib.closing(sqlite3.connect(service.repo / "notes.db")) as database:
        database.executescript("CREATE TABLE notes (text); INSERT INTO notes VALUES ('one');")

    def count():
        with contextlib.closing(sqlite3.connect(service.repo / "notes.db")) as database:
            return database.execute("SELECT count(*) FROM notes").fetchone()[0]

    def cleared():
        gone = count() == 0
        with contextlib.closing(sqlite3.connect(service.repo / "notes.db")) as database:
            database.executescript("DELETE FROM notes; INSERT INTO notes VALUES ('one');")
        return gone

    web = ["-m", "gunicorn", "-w", "2", "-b", "127.0.0.1:PORT", "notes.wsgi"]
    answer = check_web(service, web, "Booting worker", [("/share", {}), ("/clear", {})], left=cleared)
    assert count() == 1
    return answer


def aiohttp_links(service):
    return check_web(service, ["server.py", "PORT"], "Running on", [("/links", {"url": "https://example.org"})])


def litestar_items(service):
    web = ["-m", "uvicorn", "app:app", "--port", "PORT"]
    return check_web(service, web, "running on", [("/items", {"name": "cup"})])


def agent(service):
    code, said = service.run("agent.py", "Where is order 7?", enabled=False)
    assert (code, said.strip(), service.seen) == (0, "It is on its way.", ["/chat/completions"]), said
    service.seen.clear()
    code, said = service.run("agent.py", "Where is order 7?", enabled=True)
    assert code == 1 and "PolicyDenied: " in said.splitlines()[-1], (code, said)
    # The library tries a failure again, and a denial never.
    assert len(service.denied()) == 1, service.denied()
    return "exit 1"


def mcp_weather(service):
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    async def ask(enabled):
        server = StdioServerParameters(
            command=sys.executable, args=["server.py"], cwd=service.repo, env=service.settings(enabled)
        )
        with open(os.devnull, "w") as nowhere:
            async with stdio_client(server, errlog=nowhere) as (read, write), ClientSession(read, write) as session:
                await session.initialize()
                answers = [await session.call_tool("forecast", {"city": "Oslo"}) for _ in range(2)]
                cities = await session.call_tool("cities", {})
                assert "Oslo" in cities.content[0].text, cities
                return answers

    assert not any(answer.isError for answer in asyncio.run(ask(False)))
    assert len(service.seen) == 2, service.seen
    service.seen.clear()
    for answer in asyncio.run(ask(True)):
        assert answer.isError and "denied" in answer.content[0].text, answer
    return "isError"


def celery_jobs(service):
    (service.repo / "celeryconfig.py").write_text(
        "import pathlib\n"
        "for name in ('queue', 'control'):\n"
        "    pathlib.Path(name).mkdir(exist_ok=True)\n"
        "broker_transport_options = {'data_folder_in': 'queue', 'data_folder_out': 'queue', 'control_folder': 'control'}\n"
    )
    worker = ["-m", "celery", "-A", "jobs", "--config", "celeryconfig", "worker", "--concurrency", "1", "--loglevel", "info"]
    send = "import jobs; jobs.app.config_from_object('celeryconfig'); jobs.reserve.delay(1); jobs.ping.delay()"
    for enabled in (False, True):
        # The message itself comes from a process without the client: what is looked at is the worker.
        code, said = service.run("-c", send, enabled=False)
        assert code == 0, said
        with service.serve(*worker, ready="ready.", enabled=enabled) as log:
            until(lambda: any("pong" in line for line in log), lambda: "".join(log))
            until(lambda: any("jobs.reserve" in line and ("succeeded" in line or "raised" in line) for line in log), lambda: "".join(log))
            assert not any("Retry in" in line for line in log), log
            assert any("PolicyDenied" in line for line in log) == enabled, log
        if not enabled:
            assert service.seen == ["/reserve"], service.seen
            service.seen.clear()
    return "task failed"


def click_release(service):
    mark = service.folder / "mark"
    commands = [("release.py", "tag", str(mark)), ("release.py", "announce", "1.2")]
    for command in commands:
        code, said = service.run(*command, enabled=False)
        assert code == 0, said
    assert mark.exists() and service.seen == ["/announce"], service.seen
    mark.unlink()
    service.seen.clear()
    for command in commands:
        code, said = service.run(*command, enabled=True)
        assert code == 1 and "PolicyDenied" in said and "tagged" not in said and "announced" not in said, (code, said)
    assert not mark.exists()
    return "exit 1"


CHECKS = [flask_orders, django_notes, aiohttp_links, litestar_items, agent, mcp_weather, celery_jobs, click_release]


def check(service, of):
    started = time.monotonic()
    governor("integrate", service.repo, "--mode", "hybrid", "--write")
    answer = of(service)
    # Nothing left the process, and nothing asked again and again.
    assert service.seen == [], (service.name, service.seen)
    asked = service.denied()
    assert len(asked) <= MOST_DECISIONS, (service.name, asked)
    return f"{service.name:<16} {answer:<12} {len(asked)} denied ({', '.join(sorted(set(asked)))}) {time.monotonic() - started:.1f} s"


def main(folder):
    policies = folder / "policies"
    policies.mkdir()
    (policies / "none.cedar").write_text('@id("deny-all")\nforbid (principal, action, resource);\n')
    plane = free_port()
    serve = [BINARY, "policy", "serve", "--policies", policies, "--listen", f"127.0.0.1:{plane}"]
    with running(serve, "listening on"), ThreadPoolExecutor(3) as pool:
        services = []
        for of in CHECKS:
            service = Service(folder, of.__name__)
            service.environment |= {
                "GOVERNOR_ENFORCE_URL": f"http://127.0.0.1:{plane}",
                "GOVERNOR_AUDIT_LOG": str(service.audit),
                "GOVERNOR_ACTOR_ID": of.__name__,
            }
            services.append(pool.submit(check, service, of))
        failures = [done.exception() for done in services]
        for done in services:
            print(done.exception() or done.result(), flush=True)
    if any(failures):
        raise next(failure for failure in failures if failure)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(pathlib.Path(made).resolve())
