"""The child process in which the libraries run: `python -m matrix.worker STEM early|late|gevent`.

It reads one request a line and writes one answer a line. `early` imports the library, drives every way
without the client, makes what is bound before, and only then enables; `late` enables first. The servers
and the plane are in the parent, where no client is loaded, so that what is counted is what got out.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import json
import os
import sys
import threading
import traceback
from typing import Any, Callable, Dict

from .way import Library, aim, libraries


def outcome(call: Callable[[], Any]) -> Dict[str, Any]:
    """What a call gave: its result, or what it raised, as JSON."""
    try:
        result = call()
        if inspect.isawaitable(result):
            result = asyncio.run(_awaited(result))
        return {"result": json.loads(json.dumps(result, default=repr))}
    except BaseException as error:  # the parent judges everything that came out
        return raised(error)


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


def raised(error: BaseException) -> Dict[str, Any]:
    """An exception as the parent compares it: types, text, and whether a denial is in its chain."""
    chain = []
    seen = set()
    queue = [error]
    while queue:
        one = queue.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        chain.append([f"{kind.__module__}.{kind.__qualname__}" for kind in type(one).__mro__])
        queue += [inner for inner in (one.__cause__, one.__context__) if inner is not None]
        queue += list(getattr(one, "exceptions", ()))
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return {"raised": chain, "text": str(error), "trace": trace[-6000:]}


def carried(carrier: str, stem: str, name: str, call: Callable[[], Any], target: Dict[str, Any]) -> Dict[str, Any]:
    """The call, driven in `carrier`."""
    if carrier == "":
        return outcome(call)
    if carrier == "thread":
        box: Dict[str, Any] = {}
        thread = threading.Thread(target=lambda: box.update(outcome(call)))
        thread.start()
        thread.join(20)
        return box
    if carrier == "pool":
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return pool.submit(outcome, call).result(20)
    if carrier in ("executor", "to_thread", "task"):
        return asyncio.run(_in_loop(carrier, call))
    if carrier == "loop-in-thread":
        return carried("thread", stem, name, call, target)
    if carrier == "fork":
        return _forked(call)
    if carrier == "spawn":
        return _spawned(stem, name, target)
    if carrier == "greenlet":
        import gevent  # type: ignore[import-untyped]

        return dict(gevent.spawn(outcome, call).get(timeout=20))
    raise ValueError(carrier)


async def _in_loop(carrier: str, call: Callable[[], Any]) -> Dict[str, Any]:
    loop = asyncio.get_running_loop()
    if carrier == "executor":
        return await loop.run_in_executor(None, outcome, call)
    if carrier == "to_thread":
        return await asyncio.to_thread(outcome, call)

    async def body() -> Any:
        result = call()
        return await result if inspect.isawaitable(result) else result

    try:
        result = await asyncio.create_task(body())
        return {"result": json.loads(json.dumps(result, default=repr))}
    except BaseException as error:
        return raised(error)


def _forked(call: Callable[[], Any]) -> Dict[str, Any]:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            with os.fdopen(write, "w") as out:
                json.dump(outcome(call), out)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return dict(json.loads(text))


def _spawned(stem: str, name: str, target: Dict[str, Any]) -> Dict[str, Any]:
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    context.set_executable(os.environ["MATRIX_SPAWN_PYTHON"])
    environment = {**_environment(_settings), "MATRIX_SPAWNED": "1"}
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            return dict(pool.submit(in_spawned_child, stem, name, target).result(30))
    finally:
        os.environ.clear()
        os.environ.update(before)


def in_spawned_child(stem: str, name: str, target: Dict[str, Any]) -> Dict[str, Any]:
    """What the spawned child runs: its `.pth` has enabled the client before this was imported."""
    library = libraries()[stem]
    function = {one.name: one.function for one in library.ways}[name]
    return outcome(lambda: function(aim(target)))


def _environment(settings: Dict[str, Any]) -> Dict[str, str]:
    named = {"backstop": "GOVERNOR_BACKSTOP", "enforce_url": "GOVERNOR_ENFORCE_URL", "api_key": "GOVERNOR_API_KEY"}
    found = {variable: str(settings[key]) for key, variable in named.items() if key in settings}
    found["GOVERNOR_TIMEOUT_MS"] = str(settings.get("timeout_ms", 2000))
    found["GOVERNOR_FAMILIES"] = ",".join(settings.get("families", ()))
    found["GOVERNOR_ENABLED"] = "1"
    return {name: value for name, value in found.items() if value}


_settings: Dict[str, Any] = {}


def enable(settings: Dict[str, Any]) -> None:
    """The client as if this process had just started: no cached decision, a closed breaker."""
    import governor

    governor.disable()
    governor.enable(**settings)
    _settings.clear()
    _settings.update(settings)


def answer(library: Library, request: Dict[str, Any]) -> Dict[str, Any]:
    """One request of the parent."""
    if request["do"] == "prepare":
        getattr(library.module, "prepare", lambda target: None)(aim(request["target"]))
        return {}
    if request["do"] == "enable":
        enable(request["settings"])
        return {}
    function = {one.name: one.function for one in library.ways}[request["way"]]
    if request.get("settings"):
        enable(request["settings"])
    results = []
    for target in request["targets"]:
        call = lambda target=target: function(aim(target))  # noqa: E731
        results.append(carried(request["carrier"], library.stem, request["way"], call, target))
    return {"outcomes": results}


def main() -> None:
    """Answer until the parent closes the pipe; stdout belongs to the protocol alone."""
    stem, mode = sys.argv[1:3]
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    if mode == "gevent":
        import gevent
        from gevent import monkey

        monkey.patch_all()
        # gevent installs its handler of SIGCHLD with the first wait: a child that has ended by then is waited for without end.
        gevent.get_hub().loop.install_sigchld()
    if mode == "late":
        enable(json.loads(os.environ["MATRIX_SETTINGS"]))
    library = libraries()[stem]
    for line in sys.stdin:
        try:
            reply = answer(library, json.loads(line))
        except BaseException as error:
            reply = {"broken": raised(error)}
        out.write(json.dumps(reply) + "\n")
    os._exit(0)


if __name__ == "__main__":
    main()
