"""Intents: they follow the work that starts inside them, and end where they end."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading

import pytest
import requests

import governor
from governor._scope import current_scope


def event(action="write", name="orders", **fields):
    return governor.intent_from(action=action, resource_type="external_api", resource_name=name, **fields)


def inside():
    scope = current_scope()
    return scope.event.resource_name if scope else None


class OwnRun(threading.Thread):
    def run(self):
        self.seen = inside()


def test_nested_scopes():
    with governor.intent(event(name="outer", actor_id="ann")):
        with governor.intent(event(name="inner")) as inner:
            assert inside() == "inner"
            assert inner.actor_id == "ann"
        assert inside() == "outer"
    assert inside() is None


def test_threads_timers_and_executors_follow(enabled):
    enabled()
    seen = []
    with governor.intent(event()):
        thread = threading.Thread(target=lambda: seen.append(inside()))
        timer = threading.Timer(0.01, lambda: seen.append(inside()))
        own = OwnRun()
        for each in (thread, timer, own):
            each.start()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(inside).result())
            seen.extend(pool.map(lambda _: inside(), [1]))
        for each in (thread, timer, own):
            each.join()
    assert [*seen, own.seen] == ["orders"] * 5
    assert concurrent.futures.ThreadPoolExecutor(1).submit(inside).result() is None


def test_a_scope_that_has_exited_authorises_nothing(enabled):
    enabled()
    go, seen = threading.Event(), []

    def late():
        go.wait(5)
        seen.append(inside())

    with governor.intent(event()):
        thread = threading.Thread(target=late)
        thread.start()
    go.set()
    thread.join()
    assert seen == [None]


async def test_tasks_and_executors_of_a_loop_follow(enabled):
    enabled()

    async def task():
        await asyncio.sleep(0)
        return inside()

    async with governor.intent(event()):
        assert await asyncio.create_task(task()) == "orders"
        assert await asyncio.to_thread(inside) == "orders"
        assert await asyncio.get_running_loop().run_in_executor(None, inside) == "orders"
    assert inside() is None


def test_a_generator_does_not_leak_its_scope():
    def leaking():
        with governor.intent(event()):
            yield inside()
            yield inside()

    steps = leaking()
    assert next(steps) == "orders"
    assert inside() is None
    assert next(steps) == "orders"
    steps.close()
    assert inside() is None


async def test_an_async_generator_does_not_leak_its_scope():
    async def leaking():
        async with governor.intent(event()):
            yield inside()
            await asyncio.sleep(0)
            yield inside()

    seen = []
    async for item in leaking():
        seen.append((item, inside()))
    assert seen == [("orders", None), ("orders", None)]


def test_a_context_manager_made_of_a_generator_keeps_its_scope():
    @contextlib.contextmanager
    def purpose():
        with governor.intent(event()):
            yield

    with purpose():
        assert inside() == "orders"
    assert inside() is None


def test_governed_generators_step_in_their_scope(enabled):
    enabled()

    @governor.governed(action="write", resource_name="orders")
    def produce(count):
        got = []
        for _ in range(count):
            got.append((yield inside()))
        return got

    def delegate():
        return (yield from produce(2))

    steps = delegate()
    assert next(steps) == "orders"
    assert inside() is None
    assert steps.send("a") == "orders"
    with pytest.raises(StopIteration) as stopped:
        steps.send("b")
    assert stopped.value.value == ["a", "b"]


async def test_governed_async_generators_step_in_their_scope(enabled):
    enabled()

    @governor.governed(action="write", resource_name="orders")
    async def produce():
        yield inside()
        await asyncio.sleep(0)
        yield inside()

    seen = []
    async for item in produce():
        seen.append((item, inside()))
    assert seen == [("orders", None), ("orders", None)]


def test_governed_returns_a_refusal_to_an_agent(enabled):
    enabled().answer = "DENY"
    ran = []

    @governor.governed(action="delete", resource_type="table", resource_name="orders", on_deny="return")
    def tool():
        ran.append(1)

    result = tool()
    assert ran == []
    assert result["type"] == "policy_denied"
    assert result["intent"]["resource"] == {"type": "table", "name": "orders"}
    assert set(result) >= {"type", "message", "next_steps", "request_id", "intent", "call_site"}
    assert result["call_site"].endswith(f"test_scopes.py:{tool_line()}")


def tool_line():
    source = open(__file__, encoding="utf-8").read().splitlines()
    return next(number for number, line in enumerate(source, 1) if line.strip() == "result = tool()")


async def test_governed_coroutines(enabled):
    plane = enabled()

    @governor.governed(action="read", resource_name="orders")
    async def read():
        return inside()

    assert asyncio.iscoroutinefunction(read)
    assert await read() == "orders"
    plane.answer = "DENY"
    governor.configure_defaults(actor_id="another")
    with pytest.raises(governor.PolicyDenied):
        await read()


def test_an_effect_that_matches_is_decided_under_the_intent(enabled, web):
    plane = enabled()
    with governor.intent(event(action="charge", name="127.0.0.1", actor_id="ann", data={"pii": True})):
        requests.post(web.url, timeout=5)
        requests.delete(web.url, timeout=5)
    assert [request["action"] for request in plane.requests] == ["charge", "delete"]
    assert [request["data"]["pii"] for request in plane.requests] == [True, False]
    assert [request["actor"]["id"] for request in plane.requests] == ["ann", "ann"]


def test_strict_refuses_what_does_not_match(enabled, web):
    plane = enabled(strict=True)
    with governor.intent(event(name="stripe")), pytest.raises(governor.PolicyDenied) as caught:
        requests.post(web.url, timeout=5)
    assert caught.value.cause == "scope_mismatch"
    assert web.seen == [] and plane.requests == []
