"""Event loops other than asyncio's, and loops in threads: asked beside the loop, denied all the same."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time

import httpx
import pytest

import governor


async def _get(url):
    async with httpx.AsyncClient() as client:
        return (await client.get(url)).status_code


def test_trio(enabled, web):
    trio = pytest.importorskip("trio")
    plane = enabled()
    plane.answer = lambda body: time.sleep(0.3) or "ALLOW"
    ticks = []

    async def main():
        async with trio.open_nursery() as nursery:

            async def tick():
                while True:
                    ticks.append(trio.current_time())
                    await trio.sleep(0.01)

            nursery.start_soon(tick)
            assert await _get(web.url + "/a") == 200
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert len(plane.requests) == 1
    assert max(later - earlier for earlier, later in zip(ticks, ticks[1:])) < 0.2
    plane.answer = "DENY"

    async def denied():
        with pytest.raises(governor.PolicyDenied):
            await _get(web.url + "/b")

    trio.run(denied)
    assert len(web.seen) == 1


def test_a_loop_in_another_thread(enabled, web):
    enabled().answer = "DENY"
    errors = []

    def work():
        try:
            asyncio.run(_get(web.url))
        except governor.PolicyDenied as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(errors) == 1 and web.seen == []


async def test_a_cancelled_task_leaves_nothing_decided(enabled, web):
    enabled().answer = lambda body: time.sleep(0.3) or "ALLOW"
    task = asyncio.create_task(_get(web.url))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert web.seen == []
    assert not governor._gate.is_passing()


async def test_the_default_executor_may_be_full(enabled, web):
    enabled()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(1))
    blocked = threading.Event()
    busy = loop.run_in_executor(None, blocked.wait)
    waited = asyncio.get_running_loop().time()
    try:
        event = governor.intent_from(action="read", resource_name="orders")
        assert (await asyncio.wait_for(governor.aenforce(event), 5)).allowed
    finally:
        blocked.set()
        await busy
    assert loop.time() - waited < 5
