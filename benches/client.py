"""What a governed call costs: plain, governed with a cached decision, governed with a question each time, OpenTelemetry.

    PYTHONPATH=snippets python benches/client.py

Needs requests, opentelemetry-sdk and opentelemetry-instrumentation-requests. One GET with a kept-alive `requests.Session`, to
a server on loopback in a process of its own; the same without a network (an adapter that answers at once), where the
difference stands out of the noise; one `sqlite3` SELECT. Variants take turns in short batches, so that a busy machine
hits all alike: printed are the median, the median of the paired differences to plain, and the ratio. On a machine that others
use, `CLOCK=cpu` counts this thread's own processor time: right where nothing waits, that is without a network and at start-up.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BATCH = 40
CLOCK = time.thread_time_ns if os.environ.get("CLOCK") == "cpu" else time.perf_counter_ns
ROUNDS = int(os.environ.get("ROUNDS", "60"))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def do_GET(self):
        self._answer(b"hello")

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(json.dumps({"decision": "ALLOW", "enforcement_latency_ms": 0.1, "metadata": {"request_id": "r-1", "canonicalization_trace": []}}).encode())

    def _answer(self, payload):
        self.send_response(200)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *args):
        pass


def serve(pipe):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pipe.send(server.server_address[1])
    server.serve_forever()


def start():
    here, there = multiprocessing.Pipe()
    multiprocessing.Process(target=serve, args=(there,), daemon=True).start()
    return f"http://127.0.0.1:{here.recv()}"


def timed(call, count):
    clock = CLOCK
    times = []
    for _ in range(count):
        started = clock()
        call()
        times.append((clock() - started) / 1000)
    return times


def compare(title, call, variants):
    """Run `call` under each variant in turn, `ROUNDS` times."""
    times = {name: [] for name, _, _ in variants}
    gc.disable()
    for round_number in range(ROUNDS):
        for name, on, off in variants if round_number % 2 else reversed(variants):
            on()
            timed(call, 5)
            times[name].append(statistics.median(timed(call, BATCH)))
            off()
    gc.enable()
    print(f"\n{title}")
    plain = times["plain"]
    for name, medians in times.items():
        difference = statistics.median(one - other for one, other in zip(medians, plain))
        print(f"  {name:<40} {statistics.median(medians):8.1f} µs  {difference:+7.1f} µs  x{statistics.median(medians) / statistics.median(plain):.2f}")


def start_up():
    clock = CLOCK.__name__
    program = f"from time import {clock} as t; s = t(); import governor; governor.enable(enforce_url='http://127.0.0.1:9'); print((t() - s) / 1e6)"
    with tempfile.TemporaryDirectory() as compiled:
        # As in production, where the bytecode is there from the second start on.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[1:]), "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        start = [sys.executable, "-c", program]
        runs = [float(subprocess.run(start, env=environment, capture_output=True, check=True).stdout) for _ in range(16)]
    runs = sorted(runs[1:])
    print(f"import governor and enable(), a new process each: min {runs[0]:.1f} ms, median {runs[len(runs) // 2]:.1f} ms")


def main():
    start_up()
    base, plane = start(), start()
    import governor
    import requests
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from opentelemetry.sdk.trace import TracerProvider

    class Canned(requests.adapters.BaseAdapter):
        def send(self, request, **kwargs):
            response = requests.Response()
            response.status_code = 200
            response.request = request
            response.url = request.url
            response._content = b"hello"
            return response

        def close(self):
            pass

    def nothing():
        pass

    log = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"governor-bench-{os.getpid()}.jsonl")
    instrumentor = RequestsInstrumentor()
    provider = TracerProvider()
    plain = [("plain", nothing, nothing)]
    governed = [
        ("governor, decision cached", lambda: governor.enable(enforce_url=plane), governor.disable),
        ("governor, decision cached, audit log", lambda: governor.enable(enforce_url=plane, audit_log=log), governor.disable),
        ("governor, asked each time", lambda: governor.enable(enforce_url=plane, cache_ttl_ms=0), governor.disable),
    ]
    opentelemetry = [
        ("opentelemetry, API alone", instrumentor.instrument, instrumentor.uninstrument),
        ("opentelemetry, SDK without exporter", lambda: instrumentor.instrument(tracer_provider=provider), instrumentor.uninstrument),
    ]
    session, canned = requests.Session(), requests.Session()
    session.trust_env = canned.trust_env = False
    canned.mount("http://", Canned())
    compare("requests.Session.get, kept alive, loopback", lambda: session.get(base + "/x"), plain + governed + opentelemetry)
    compare("requests.Session.get, no network", lambda: canned.get("http://api.example/x"), plain + governed + opentelemetry)
    connections = {}

    def select():
        enabled = governor._enable.is_enabled()
        if enabled not in connections:
            connections[enabled] = sqlite3.connect(":memory:")
        connections[enabled].execute("SELECT 1").fetchall()

    compare("sqlite3, SELECT 1", select, plain + governed[:1])
    if os.path.exists(log):
        os.remove(log)


if __name__ == "__main__":
    main()
