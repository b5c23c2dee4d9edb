"""Whatever is not a valid ALLOW for this very call stops it."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from datetime import datetime, timedelta, timezone

import freezegun
import pytest
import requests

import governor
from plane import claims, send, sign

KEY = b"a key of the test"


def answer(**changes):
    metadata = {"request_id": "r-1", "canonicalization_trace": []}
    whole = {"decision": "ALLOW", "enforcement_latency_ms": 1, "metadata": metadata}
    for name, value in changes.items():
        (whole if name in ("decision", "metadata") else metadata)[name] = value
    return whole


def raw(payload, status=200, length=None, extra=b""):
    def respond(handler, body):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(payload) if length is None else length))
        handler.end_headers()
        handler.wfile.write(payload + extra)
        handler.close_connection = True

    return respond


def drip(handler, body):
    payload = json.dumps(answer()).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(payload)))
    handler.end_headers()
    for byte in payload:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.05)


def drip_head(handler, body):
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 200:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.05)


def reset(handler, body):
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    handler.connection.close()


def redirect(handler, body):
    handler.send_response(307)
    handler.send_header("Location", "/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def past(**delta):
    return (datetime.now(timezone.utc) - timedelta(**delta)).isoformat()


GOOD = json.dumps(answer()).encode()
RESPONSES = {
    "401": lambda handler, body: send(handler, 401, b'{"detail": "Invalid API key"}'),
    "403": lambda handler, body: send(handler, 403, b'{"detail": "Forbidden"}'),
    "422": lambda handler, body: send(handler, 422, b'{"detail": [{"msg": "field required"}]}'),
    "429": lambda handler, body: send(handler, 429, b"{}"),
    "500 with an allow": lambda handler, body: send(handler, 500, GOOD),
    "201 with an allow": lambda handler, body: send(handler, 201, GOOD),
    "502": lambda handler, body: send(handler, 502, b'{"detail": "Data Plane error: x"}'),
    "redirect": redirect,
    "truncated": raw(GOOD, length=len(GOOD) + 10),
    "cut JSON": raw(GOOD[:-5]),
    "longer than its length": raw(GOOD, length=len(GOOD), extra=b"more"),
    "too large": raw(b" " * 2_000_000 + GOOD),
    "slow drip": drip,
    "slow head": drip_head,
    "reset": reset,
    "empty": raw(b""),
    "not HTTP": lambda handler, body: handler.wfile.write(b"hello\r\n\r\n"),
    "two lengths": lambda handler, body: handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 100\r\n\r\n" + GOOD),
}
ANSWERS = {
    "lower case": answer(decision="allow"),
    "unknown decision": answer(decision="MAYBE"),
    "no decision": {"metadata": {"request_id": "r"}},
    "a list as decision": answer(decision=["ALLOW"]),
    "true as decision": answer(decision=True),
    "no metadata": {"decision": "ALLOW"},
    "metadata as list": answer(metadata=[]),
    "no request id": answer(metadata={}),
    "request id as number": answer(request_id=7),
    "empty request id": answer(request_id=""),
    "reason as number": answer(reason=7),
    "expired": answer(expires_at=past(seconds=1)),
    "naive expiry": answer(expires_at="2999-01-01T00:00:00"),
    "expiry as number": answer(expires_at=99999999999),
    "garbage expiry": answer(expires_at="tomorrow"),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_faulty_response_is_no_answer(enabled, web, name):
    plane = enabled(timeout_ms=300)
    plane.respond = RESPONSES[name]
    started = time.monotonic()
    with pytest.raises(governor.PolicyUnavailable) as caught:
        requests.get(web.url, timeout=5)
    assert time.monotonic() - started < 1.5
    assert web.seen == []
    assert caught.value.to_dict()["type"] == "policy_unavailable"


@pytest.mark.parametrize("name", ANSWERS)
def test_a_faulty_answer_is_no_answer(enabled, web, name):
    enabled().answer = ANSWERS[name]
    with pytest.raises((governor.PolicyUnavailable, governor.PolicyDenied)):
        requests.get(web.url, timeout=5)
    assert web.seen == []


@pytest.mark.parametrize("payload", [b"[]", b'"ALLOW"', b"null", b'{"decision": "DENY", "decision": "ALLOW", "metadata": {"request_id": "r"}}', b"\xff\xfe"])
def test_a_body_that_is_not_the_contract(enabled, web, payload):
    enabled().answer = lambda body: (200, payload)
    with pytest.raises(governor.PolicyUnavailable):
        requests.get(web.url, timeout=5)
    assert web.seen == []


def test_extra_fields_and_a_future_expiry_are_fine(enabled, web):
    enabled().answer = {**answer(expires_at="2999-01-01T00:00:00.123Z", novelty=1), "more": []}
    assert requests.get(web.url, timeout=5).status_code == 200


def test_nobody_listens(enabled, web):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    enabled(enforce_url=f"http://127.0.0.1:{port}")
    with pytest.raises(governor.PolicyUnavailable) as caught:
        requests.get(web.url, timeout=5)
    assert caught.value.cause == "plane_unreachable"
    assert web.seen == []


@pytest.mark.parametrize("step", ["name", "address"])
def test_the_time_out_bounds_finding_the_plane(enabled, web, monkeypatch, step):
    def slow(*args):
        time.sleep(1.5)
        return []

    blackhole = socket.create_server(("127.0.0.1", 0), backlog=0)
    fillers = [socket.socket() for _ in range(3)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(blackhole.getsockname())
    two = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", blackhole.getsockname())] * 2
    monkeypatch.setattr(socket, "getaddrinfo", slow if step == "name" else lambda *args: two)
    enabled(enforce_url="http://plane.example:8181", timeout_ms=300)
    started = time.monotonic()
    with pytest.raises(governor.PolicyUnavailable) as caught:
        governor.enforce(governor.intent_from(action="read", resource_name="orders"))
    assert time.monotonic() - started < 1
    assert caught.value.cause == "plane_timeout"
    for one in (blackhole, *fillers):
        one.close()


def test_no_plane_is_configured(web, monkeypatch):
    governor.enable(backstop="off")
    with pytest.raises(governor.PolicyUnavailable) as caught:
        requests.get(web.url, timeout=5)
    assert "GOVERNOR_ENFORCE_URL" in str(caught.value)
    assert web.seen == []


def test_an_expiry_ends_a_cached_allow(enabled, web):
    plane = enabled()
    plane.answer = lambda body: answer(expires_at=(datetime.now(timezone.utc) + timedelta(seconds=0.4)).isoformat())
    requests.get(web.url, timeout=5)
    requests.get(web.url, timeout=5)
    assert len(plane.requests) == 1
    time.sleep(0.5)
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        requests.get(web.url, timeout=5)


@pytest.mark.parametrize("moved", ["1999-01-01", "2099-01-01"])
def test_a_test_that_moves_the_clock_neither_ends_nor_prolongs_an_allow(enabled, web, moved):
    plane = enabled()
    until = datetime.now(timezone.utc) + timedelta(seconds=2)
    plane.answer = lambda body: answer(expires_at=until.isoformat())
    with freezegun.freeze_time(moved):
        requests.get(web.url, timeout=5)
        requests.get(web.url, timeout=5)
        assert len(plane.requests) == 1
        time.sleep(2.1)
        with pytest.raises(governor.GovernorError):
            requests.get(web.url, timeout=5)
    assert len(web.seen) == 2


# Tokens


def token_answer(change=None, key=KEY, alter=None, alone=None):
    def give(body):
        payload = claims(body, "r-1")
        if change:
            change(payload)
        token = sign(key, payload)
        return answer(decision_token=alter(token) if alter else token)

    return give


def other_arguments(body):
    payload = claims({**body, "action": "read-something-else"}, "r-1")
    return answer(decision_token=sign(KEY, payload))


TOKENS = {
    "missing": lambda body: answer(),
    "a number": lambda body: answer(decision_token=5),
    "another key": token_answer(key=b"other"),
    "expired": token_answer(lambda payload: payload.update(exp=int(time.time()) - 1)),
    "for other arguments": other_arguments,
    "for another request": token_answer(lambda payload: payload.update(request_id="r-2")),
    "for a denial": token_answer(lambda payload: payload.update(decision="DENY")),
    "no jti": token_answer(lambda payload: payload.pop("jti")),
    "exp as text": token_answer(lambda payload: payload.update(exp="9999999999")),
    "exp as true": token_answer(lambda payload: payload.update(exp=True)),
    "cut": token_answer(alter=lambda token: token[:-4]),
    "another version": token_answer(alter=lambda token: "v2" + token[2:]),
    "padding": token_answer(alter=lambda token: token + "="),
    "unsigned": token_answer(alter=lambda token: token.rpartition(".")[0] + "."),
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_bad_token_is_a_denial(enabled, web, name):
    enabled(decision_key=KEY.decode()).answer = TOKENS[name]
    with pytest.raises(governor.PolicyDenied) as caught:
        requests.get(web.url, timeout=5)
    assert caught.value.cause in ("token_invalid", "token_expired")
    assert web.seen == []


@pytest.mark.parametrize("form", ["plain", "hmac"])
def test_a_good_token_is_accepted_and_cached(enabled, web, form):
    key = KEY.decode() if form == "plain" else "hmac:" + base64.b64encode(KEY).decode()
    plane = enabled(decision_key=key)
    plane.key = KEY
    requests.post(web.url + "/ünïcode \U0001f600?q=ä", timeout=5)
    requests.post(web.url + "/ünïcode \U0001f600?q=ä", timeout=5)
    assert len(plane.requests) == 1 and len(web.seen) == 2


def test_a_token_is_used_once(enabled, web):
    plane = enabled(decision_key=KEY.decode(), cache_ttl_ms=0)
    kept = []

    def replay(body):
        kept.append(kept[0] if kept else answer(decision_token=sign(KEY, claims(body, "r-1"))))
        return kept[0]

    plane.answer = replay
    requests.get(web.url, timeout=5)
    with pytest.raises(governor.PolicyDenied) as caught:
        requests.get(web.url, timeout=5)
    assert caught.value.cause == "token_replayed"
    assert len(web.seen) == 1


def test_ed25519(enabled, web):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    def signed(body):
        head = sign(b"", claims(body, "r-1")).rpartition(".")[0]
        return answer(decision_token=head + "." + base64.urlsafe_b64encode(private.sign(head.encode())).rstrip(b"=").decode())

    plane = enabled(decision_key="ed25519:" + base64.b64encode(public).decode(), cache_ttl_ms=0)
    plane.answer = signed
    assert requests.get(web.url, timeout=5).status_code == 200
    plane.answer = token_answer()
    with pytest.raises(governor.PolicyDenied):
        requests.get(web.url, timeout=5)


# Circuit breaker, concurrency, modes


def test_the_breaker_opens_probes_and_closes(enabled, web):
    plane = enabled(breaker_failures=3, breaker_pause_ms=200, cache_ttl_ms=0)
    plane.respond = RESPONSES["502"]
    causes = []
    for _ in range(5):
        with pytest.raises(governor.PolicyUnavailable) as caught:
            requests.get(web.url, timeout=5)
        causes.append(caught.value.cause)
    assert causes == ["plane_error"] * 3 + ["circuit_open"] * 2
    assert len(plane.requests) == 3 and web.seen == []
    time.sleep(0.25)
    with pytest.raises(governor.PolicyUnavailable):
        requests.get(web.url, timeout=5)
    with pytest.raises(governor.PolicyUnavailable) as caught:
        requests.get(web.url, timeout=5)
    assert caught.value.cause == "circuit_open" and len(plane.requests) == 4
    plane.respond = None
    time.sleep(0.25)
    assert requests.get(web.url, timeout=5).status_code == 200
    assert requests.get(web.url, timeout=5).status_code == 200


def test_concurrent_misses_ask_once(enabled, web):
    plane = enabled()

    def slow(body):
        time.sleep(0.2)
        return "ALLOW"

    plane.answer = slow
    threads = [threading.Thread(target=lambda: requests.get(web.url + "/same", timeout=5)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(web.seen) == 12
    assert len(plane.requests) == 1


async def test_the_event_loop_runs_on_while_the_plane_is_asked(enabled, web):
    import asyncio

    import httpx

    plane = enabled()
    plane.answer = lambda body: time.sleep(0.3) or "ALLOW"
    gaps = []

    async def tick():
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - before)

    ticking = asyncio.create_task(tick())
    async with httpx.AsyncClient() as client:
        await asyncio.gather(*[client.get(f"{web.url}/{number}") for number in range(5)])
    ticking.cancel()
    assert len(plane.requests) == 5
    assert max(gaps) < 0.2 and len(gaps) > 10


def test_fail_open_lets_failures_through_but_no_denials(enabled, web, tmp_path):
    log = tmp_path / "audit.jsonl"
    plane = enabled(fail_mode="open", audit_log=str(log))
    plane.respond = RESPONSES["502"]
    assert requests.get(web.url, timeout=5).status_code == 200
    line = json.loads(log.read_text().splitlines()[-1])
    assert line["failed_open"] is True and line["decision"] == "UNAVAILABLE"
    plane.respond = None
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        requests.get(web.url + "/other", timeout=5)
    plane.respond = RESPONSES["401"]
    with pytest.raises(governor.PolicyUnavailable):
        requests.get(web.url + "/third", timeout=5)
    assert len(web.seen) == 1


def test_observe_lets_everything_happen_and_logs_the_truth(enabled, web, tmp_path):
    log = tmp_path / "audit.jsonl"
    plane = enabled(mode="observe", audit_log=str(log))
    plane.answer = "DENY"
    assert requests.get(web.url, timeout=5).status_code == 200
    plane.respond = RESPONSES["502"]
    assert requests.get(web.url + "/b", timeout=5).status_code == 200
    first, second = map(json.loads, log.read_text().splitlines())
    assert (first["decision"], first["would_block"]) == ("DENY", True)
    assert (second["decision"], second["would_block"]) == ("UNAVAILABLE", True)


def test_hold_raises_or_waits(enabled, web):
    plane = enabled(cache_ttl_ms=0)
    plane.answer = answer(decision="HOLD", hold_id="h-1")
    with pytest.raises(governor.PolicyHeld) as caught:
        requests.get(web.url, timeout=5)
    assert caught.value.hold_id == "h-1" and web.seen == []
    governor.disable()
    plane = enabled(hold_wait_ms=3000)
    plane.requests.clear()
    plane.answer = lambda body: "ALLOW" if body.get("context", {}).get("hold_id") == "h-1" else answer(decision="HOLD", hold_id="h-1")
    assert requests.get(web.url + "/waits", timeout=5).status_code == 200
    assert len(plane.requests) == 2


def test_hosts(enabled, web):
    plane = enabled(allow_hosts="127.0.0.1", deny_hosts=["localhost"])
    plane.answer = "DENY"
    assert requests.get(web.url, timeout=5).status_code == 200
    with pytest.raises(governor.PolicyDenied) as caught:
        requests.get(web.url.replace("127.0.0.1", "localhost"), timeout=5)
    assert caught.value.cause == "host_denied"
    assert plane.requests == [] and len(web.seen) == 1
