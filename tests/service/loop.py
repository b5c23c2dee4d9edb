"""The fixture `service` through the whole loop, as a developer goes through it: integrated, run under the local policy
plane, denied, diagnosed, mended, allowed. A stand-in on loopback counts what reached the payment provider and the model.

python loop.py GOVERNOR_MCP FIXTURE
"""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from standin import stand_in

BINARY, FIXTURE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])

BOOKS = """@id("permit-the-books")
permit (principal, action in [Action::"read", Action::"write"], resource)
when { resource.type == "database" };

@id("permit-tasks")
permit (principal, action == Action::"send", resource)
when { resource.type == "task" };
"""


def governor(*arguments, status=0):
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == status, f"governor-mcp {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextlib.contextmanager
def running(command, ready=None, **options):
    """A process that ends with the block; `ready` is what its output has to say first."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    said = []

    def read():
        for line in process.stdout:
            said.append(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        until(lambda: any(ready in line for line in said), lambda: f"{command} does not say `{ready}`: {''.join(said)}")
        yield said
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()


def until(condition, complaint, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, complaint()
        time.sleep(0.05)


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def main(folder):
    repo, policies, audit = folder / "billing", folder / "policies", folder / "audit.jsonl"
    shutil.copytree(FIXTURE, repo)
    policies.mkdir()
    (policies / "books.cedar").write_text(BOOKS)

    # Found, changed, and nothing left to do.
    before = json.loads(governor("scan", "--format", "json", repo))
    assert before["summary"]["coverage"]["none"] == before["summary"]["effects"] > 15
    governor("integrate", repo, "--write")
    assert governor("integrate", repo) == ""
    after = json.loads(governor("scan", "--format", "json", repo))
    reached = [e for e in after["effects"] if e["origin"] == "app" and e["reached_from"]]
    assert len(reached) > 15
    bare = [e["call"] for e in reached if e["coverage"] == "none" and e["category"] != "filesystem"]
    assert not bare, bare
    processes = [e for e in after["entrypoints"] if e["role"] == "process" and e["origin"] == "app"]
    assert len(processes) == 5 and all(e["enabled"] for e in processes), processes

    seen = []
    outside = f"http://127.0.0.1:{stand_in(seen)}"
    serve = [BINARY, "policy", "serve", "--policies", policies, "--listen", f"127.0.0.1:{(plane := free_port())}"]
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GOVERNOR_")},
        "GOVERNOR_ENABLED": "1",
        "GOVERNOR_ENFORCE_URL": f"http://127.0.0.1:{plane}",
        "GOVERNOR_AUDIT_LOG": str(audit),
        "GOVERNOR_ACTOR_ID": "billing",
        "GOVERNOR_CACHE_TTL_MS": "0",
        "BOOKS_URL": f"sqlite:///{folder}/billing.db",
        "BROKER_URL": f"sqla+sqlite:///{folder}/broker.db",
        "PAYMENTS_URL": outside,
        "OPENAI_BASE_URL": outside,
        "PYTHONUNBUFFERED": "1",
    }
    python = {"cwd": repo, "env": environment}
    web = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(port)]
    worker = [sys.executable, "-m", "celery", "-A", "app.tasks", "worker", "--concurrency", "1", "--loglevel", "info"]
    order = {"customer_id": 1, "amount": 1200}
    with running(serve, "listening on"), running(web, "running on", **python) as log:
        for command in (["setup"], ["add-customer", "ada@example.com"]):
            subprocess.run([sys.executable, "-m", "app.cli", *command], check=True, capture_output=True, **python)

        # Denied: the provider has seen nothing, no invoice is written, and the service goes on.
        status, body = post(f"http://127.0.0.1:{port}/charge", order)
        assert status in (403, 500), (status, body)
        assert seen == [], seen
        denial = next(line for line in lines(audit) if line["decision"] == "DENY")
        assert denial["site"]["path"].endswith("app/payments.py"), denial
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=30) as answer:
            assert answer.status == 200

        # Diagnosed, from the id and from what the log of the service shows.
        question = ["--repo", repo, "--audit", audit, "--format", "json"]
        by_id = json.loads(governor("diagnose", "--request-id", denial["request_id"], *question))
        pasted = folder / "pasted.txt"
        pasted.write_text("".join(log) + body)
        for diagnosis in (by_id, json.loads(governor("diagnose", pasted, *question))):
            assert diagnosis["cause"] == "unmapped_destination", diagnosis
            assert diagnosis["call_site"]["path"] == "app/payments.py", diagnosis
            assert "/charges" in (repo / "app/payments.py").read_text().splitlines()[diagnosis["call_site"]["line"] - 1]

        # Mended with the policy that the diagnosis has, which the plane reads by itself.
        permit(by_id, policies, "charges")
        until(lambda: post(f"http://127.0.0.1:{port}/charge", order)[0] == 201, lambda: "".join(log))
        assert seen == ["/charges"], seen

        # The worker takes the task that the service sent: its call of the model is denied, then allowed.
        with running(worker, "PolicyDenied", **python):
            assert seen == ["/charges"], seen
        denial = [line for line in lines(audit) if line["decision"] == "DENY"][-1]
        permit(json.loads(governor("diagnose", "--request-id", denial["request_id"], *question)), policies, "model")
        assert post(f"http://127.0.0.1:{port}/charge", order)[0] == 201
        with running(worker, "succeeded", **python):
            assert seen == ["/charges", "/charges", "/chat/completions"], seen
    print(f"{before['summary']['effects']} effects governed; 2 denials, none reached a server; both mended and allowed")


def permit(diagnosis, policies, name):
    fix = next(fix for fix in diagnosis["fixes"] if fix["kind"] == "policy" and fix.get("diff"))
    added = [line[1:] for line in fix["diff"].splitlines() if line.startswith("+") and not line.startswith("+++")]
    (policies / f"{name}.cedar").write_text("\n".join(added) + "\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(pathlib.Path(made).resolve())
