"""Processes: none starts after a denial, by whichever way; one question for each that does."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
import tempfile
from os import system as captured_system

import pytest

import governor


def _fork_exec(path):
    child = os.fork()
    if child == 0:
        try:
            os.execvp("touch", ["touch", path])
        finally:
            os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 or not os.path.exists(path)
    if not os.path.exists(path):
        raise governor.PolicyDenied("seen in the child")


def _pexpect(path):
    child = pytest.importorskip("pexpect").spawn("touch", [path])
    child.expect(["$"])
    child.wait()


def _notebook(cell):
    """One cell in the shell of a kernel, whose own history goes on being written."""
    pytest.importorskip("IPython")
    os.environ.setdefault("IPYTHONDIR", tempfile.mkdtemp())
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.instance().run_cell(cell, store_history=True).raise_error()


WAYS = {
    "run": lambda path: subprocess.run(["touch", path], check=True),
    "shell": lambda path: subprocess.check_call(f"touch {path}", shell=True),
    "popen": lambda path: os.popen(f"touch {path}").close(),
    "system": lambda path: os.system(f"touch {path}"),
    "captured system": lambda path: captured_system(f"touch {path}"),
    "spawnlp": lambda path: os.spawnlp(os.P_WAIT, "touch", "touch", path),
    "posix_spawnp": lambda path: os.waitpid(os.posix_spawnp("touch", ["touch", path], os.environ), 0),
    "pty": lambda path: pty.spawn(["touch", path]),
    "fork and exec": _fork_exec,
    "pexpect": _pexpect,
    "notebook": lambda path: _notebook(f"!touch {path}"),
    "notebook cell": lambda path: _notebook(f"%%bash\ntouch {path}"),
}


@pytest.mark.parametrize("line", ["cd {0} && touch made", "cd {0}; touch made", "echo made | (cd {0} && xargs touch)", "cd {0}\ntouch made"])
def test_a_line_of_several_commands_is_the_shells(enabled, tmp_path, line):
    plane = enabled(cache_ttl_ms=0)
    plane.answer = lambda body: "ALLOW" if body["resource"]["name"] in ("cd", "echo", "touch") else "DENY"
    for run in (os.system, lambda line: subprocess.run(line, shell=True), lambda line: subprocess.run(["sh", "-c", line])):
        with pytest.raises(governor.PolicyDenied):
            run(line.format(tmp_path))
    assert [body["resource"]["name"] for body in plane.requests] == ["sh"] * 3
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("way", WAYS)
def test_denied_then_allowed(enabled, tmp_path, way):
    made = str(tmp_path / "made")
    plane = enabled(cache_ttl_ms=0)
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        WAYS[way](made)
    assert not os.path.exists(made)
    plane.answer = "ALLOW"
    plane.requests.clear()
    WAYS[way](made)
    assert os.path.exists(made)
    if way != "fork and exec":
        assert len(plane.requests) == 1, plane.calls()
        program = "bash" if way == "notebook cell" else "touch"
        assert plane.requests[0]["resource"] == {"type": "process", "name": program}


@pytest.mark.parametrize("first", ["governor", "gevent"])
def test_gevents_own_children(plane, tmp_path, first):
    pytest.importorskip("gevent")
    enable = f"import governor; governor.enable(enforce_url={plane.url!r}, backstop='off', cache_ttl_ms=0)"
    patch = "from gevent import monkey; monkey.patch_all()"
    program = f"""
import sys
{enable if first == "governor" else patch}
{patch if first == "governor" else enable}
import gevent.subprocess, subprocess
for way in (subprocess.run, gevent.subprocess.call, lambda argv: gevent.spawn(subprocess.check_call, argv).get()):
    try:
        way(["touch", sys.argv[1]])
    except governor.PolicyDenied:
        print("denied")
"""
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(governor.__file__))}
    command = [sys.executable, "-c", program, str(tmp_path / "made")]
    plane.answer = "DENY"
    assert subprocess.run(command, env=environment, capture_output=True, text=True).stdout.split() == ["denied"] * 3
    assert not (tmp_path / "made").exists()
    plane.answer = "ALLOW"
    asked = len(plane.requests)
    assert subprocess.run(command, env=environment, capture_output=True, text=True).stdout == ""
    assert (tmp_path / "made").exists() and len(plane.requests) == asked + 3


@pytest.mark.parametrize("shell", [False, True])
async def test_asyncio(enabled, tmp_path, shell):
    made = str(tmp_path / "made")

    async def start():
        if shell:
            return await asyncio.create_subprocess_shell(f"touch {made}")
        return await asyncio.create_subprocess_exec("touch", made)

    plane = enabled(cache_ttl_ms=0)
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        await start()
    plane.answer = "ALLOW"
    await (await start()).wait()
    assert os.path.exists(made)
    assert len(plane.requests) == 2


def test_functions_come_back(enabled):
    before = os.system, os.execv, subprocess.Popen.__init__, captured_system
    enabled()
    assert os.system is not before[0]
    governor.disable()
    assert (os.system, os.execv, subprocess.Popen.__init__, captured_system) == before


@pytest.mark.parametrize("shell", [False, True])
def test_uvloop(enabled, tmp_path, shell):
    uvloop = pytest.importorskip("uvloop")
    made = str(tmp_path / "made")

    async def start():
        if shell:
            return await (await asyncio.create_subprocess_shell(f"touch {made}")).wait()
        return await (await asyncio.create_subprocess_exec("touch", made)).wait()

    plane = enabled(cache_ttl_ms=0)
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        uvloop.run(start())
    assert not os.path.exists(made)
    plane.answer = "ALLOW"
    assert uvloop.run(start()) == 0
    assert len(plane.requests) == 2


@pytest.mark.parametrize("shell", [False, True])
def test_uvloops_own_methods(enabled, tmp_path, shell):
    uvloop = pytest.importorskip("uvloop")
    made = str(tmp_path / "made")

    async def start():
        loop = asyncio.get_running_loop()
        if shell:
            transport, _ = await loop.subprocess_shell(asyncio.SubprocessProtocol, f"touch {made}")
        else:
            transport, _ = await loop.subprocess_exec(asyncio.SubprocessProtocol, "touch", made)
        await transport._wait()
        transport.close()

    plane = enabled()
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        uvloop.run(start())
    assert not os.path.exists(made)
    plane.answer = "ALLOW"
    uvloop.run(start())
    assert os.path.exists(made)


@pytest.mark.parametrize(
    "connect",
    [
        lambda loop, port: loop.create_connection(asyncio.Protocol, "127.0.0.1", port),
        lambda loop, port: loop.create_unix_connection(asyncio.Protocol, "/tmp/governor-test.sock"),
        lambda loop, port: loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=("127.0.0.1", port)),
    ],
    ids=["tcp", "unix", "udp"],
)
def test_uvloops_connections_are_witnessed(enabled, web, connect):
    uvloop = pytest.importorskip("uvloop")
    enabled(backstop="enforce")

    async def run():
        await connect(asyncio.get_running_loop(), web.port)

    with pytest.raises(governor.PolicyDenied) as caught:
        uvloop.run(run())
    assert caught.value.cause == "backstop_blocked"
