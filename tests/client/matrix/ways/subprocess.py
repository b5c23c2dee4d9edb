"""subprocess and what rides on it: run, Popen, check_*, os.popen, asyncio's children, a captured name."""

from __future__ import annotations

from typing import Any, Dict, List

from ..way import way

SERVER = "files"
GEVENT = True
WITHOUT = ()
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    from subprocess import Popen, run

    _bound.update(run=run, Popen=Popen)


def _shell(target: Any) -> str:
    return f"printf x >> {target.path}"


def _argv(target: Any) -> List[str]:
    return ["/bin/sh", "-c", _shell(target)]


@way("run", carriers=("thread", "pool", "executor", "to_thread", "task"), faults=True)
def run(target: Any) -> Any:
    import subprocess

    return subprocess.run(_argv(target)).returncode


@way("run-shell")
def run_shell(target: Any) -> Any:
    import subprocess

    return subprocess.run(_shell(target), shell=True, capture_output=True).returncode


@way("call")
def call(target: Any) -> Any:
    import subprocess

    return subprocess.call(_argv(target))


@way("check_output")
def check_output(target: Any) -> Any:
    import subprocess

    return subprocess.check_output(_argv(target)).decode()


@way("getoutput")
def getoutput(target: Any) -> Any:
    import subprocess

    return subprocess.getoutput(_shell(target))


@way("popen")
def popen(target: Any) -> Any:
    import subprocess

    with subprocess.Popen(_argv(target)) as process:
        return process.wait()


@way("popen-subclass")
def subclass(target: Any) -> Any:
    import subprocess

    class Own(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, arguments: Any) -> None:
            super().__init__(arguments)

    with Own(_argv(target)) as process:
        return process.wait()


@way("os.popen")
def os_popen(target: Any) -> Any:
    import os

    return os.popen(_shell(target)).close()


@way("bound-run")
def bound_run(target: Any) -> Any:
    return _bound["run"](_argv(target)).returncode


@way("bound-popen")
def bound_popen(target: Any) -> Any:
    return _bound["Popen"](_argv(target)).wait()


@way("create_subprocess_exec", carriers=("task", "loop-in-thread"))
async def asyncio_exec(target: Any) -> Any:
    import asyncio

    return await (await asyncio.create_subprocess_exec(*_argv(target))).wait()


@way("create_subprocess_shell")
async def asyncio_shell(target: Any) -> Any:
    import asyncio

    return await (await asyncio.create_subprocess_shell(_shell(target))).wait()


@way("raises-check")
def raises_check(target: Any) -> Any:
    import subprocess

    subprocess.run(["/bin/sh", "-c", _shell(target) + "; exit 3"], check=True)


@way("raises-not-found", effects=0)
def raises_not_found(target: Any) -> Any:
    import subprocess

    subprocess.run(["/no/such/program-" + target.marker])
