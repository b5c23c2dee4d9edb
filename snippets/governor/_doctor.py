"""`python -m governor doctor`: is enforcement live? Settings, plane, one governed call that touches nothing, activation.

Each finding has a stable code. The proof: a socket of our own on loopback counts what reaches it while a harmless
HTTP request is made through `http.client`, first against the configured plane, then against one that denies.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

from governor._config import load_settings
from governor._errors import GovernorError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["examine"]


def examine(output: str) -> int:
    findings = list(_findings())
    failed = any(not finding["ok"] for finding in findings)
    if output == "json":
        print(json.dumps({"schema": "governor.client-doctor/1", "ok": not failed, "findings": findings}, indent=2))
    else:
        for finding in findings:
            print(f"{'ok  ' if finding['ok'] else 'FAIL'} {finding['code']}: {finding['message']}")
            if not finding["ok"] and finding.get("fix"):
                print(f"     fix: {finding['fix']}")
    return 1 if failed else 0


def _findings() -> Any:
    import governor

    yield _finding("client", True, f"governor {governor.__version__} from {os.path.dirname(os.path.abspath(governor.__file__))}")
    try:
        settings = load_settings({})
    except GovernorError as error:
        yield _finding("settings", False, str(error), "correct the environment or governor.toml")
        return
    yield _finding("settings", True, f"mode {settings.mode}, fail {settings.fail_mode}, backstop {settings.backstop}, families {','.join(settings.families)}")
    if settings.dev_bypass:
        yield _finding("bypass", False, "GOVERNOR_DEV_BYPASS is set: nothing is governed", "unset it")
    if settings.mode == "observe":
        yield _finding("observe", True, "observe mode: nothing is stopped, denials are logged as `would_block`")
    yield _plane(settings)
    yield _gate_holds()
    yield _activation()
    yield _unpatched()


def _finding(code: str, ok: bool, message: str, fix: str = "") -> dict[str, Any]:
    finding: dict[str, Any] = {"code": code, "ok": ok, "message": message}
    if fix:
        finding["fix"] = fix
    return finding


def _plane(settings: Any) -> dict[str, Any]:
    from governor import enforce, intent_from

    if not settings.enforce_url:
        return _finding("plane", False, "GOVERNOR_ENFORCE_URL is not set, so every governed call fails", "set it to the policy plane's base URL")
    try:
        decision = enforce(intent_from(action="read", resource_type="governor", resource_name="doctor"))
    except GovernorError as error:
        if error.kind != "policy_unavailable" and error.request_id and error.cause not in ("token_invalid", "token_expired", "token_replayed"):
            return _finding("plane", True, f"{settings.enforce_url} answers ({error.kind}, request id {error.request_id})")
        return _finding("plane", False, str(error), error.next_steps[0] if error.next_steps else "")
    return _finding("plane", True, f"{settings.enforce_url} answers ({decision.decision}, request id {decision.request_id})")


def _gate_holds() -> dict[str, Any]:
    """Enable against a plane that denies, send a request to a socket of our own, and count what arrives."""
    import http.client
    import socket

    import governor

    reached: list[bytes] = []
    effect, denier = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
    for server, answer in ((effect, None), (denier, {"decision": "DENY", "metadata": {"request_id": "doctor"}})):
        threading.Thread(target=_serve, args=(server, answer, reached), daemon=True).start()
    try:
        governor.enable(
            enforce_url=f"http://127.0.0.1:{denier.getsockname()[1]}", decision_key="", mode="enforce", fail_mode="closed", dev_bypass=False,
            allow_hosts=(), deny_hosts=(), backstop="off", audit_log="", enabled=True, families=("http",),
        )  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", effect.getsockname()[1], timeout=3)
        try:
            connection.request("GET", "/governor-doctor")
        except governor.PolicyDenied:
            if not reached:
                return _finding("gate", True, "a denied HTTP request raised PolicyDenied and nothing was sent")
        except (GovernorError, OSError) as error:
            return _finding("gate", False, f"the trial request failed otherwise: {error}")
        finally:
            connection.close()
        return _finding("gate", False, "a denied HTTP request was sent all the same", "another tool replaces http.client after the client: enable later")
    finally:
        governor.disable()
        effect.close()
        denier.close()


def _serve(server: Any, answer: Any, reached: list[bytes]) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(3)
            try:
                received = connection.recv(65_536)
                if answer is None:
                    reached.append(received)
                    payload = b"{}"
                else:
                    while b"\r\n\r\n" not in received:
                        received += connection.recv(65_536)
                    payload = json.dumps(answer).encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(payload) + payload)
            except OSError:
                continue


def _activation() -> dict[str, Any]:
    from governor._activation import FILE_NAME, site_packages

    installed = [directory for directory in site_packages() if os.path.exists(os.path.join(directory, FILE_NAME))]
    if not installed:
        return _finding("activation", True, "no zero-code activation in this Python: `governor.enable()` in the code does it")
    program = "import sys; print('governor' in sys.modules and sys.modules['governor']._enable.is_enabled())"
    environment = {**os.environ, "GOVERNOR_ENABLED": "1", "GOVERNOR_ENFORCE_URL": os.environ.get("GOVERNOR_ENFORCE_URL") or "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=30)
    if done.stdout.strip() == "True":
        return _finding("activation", True, f"a process of this Python with GOVERNOR_ENABLED=1 starts enabled ({installed[0]})")
    return _finding("activation", False, f"a process with GOVERNOR_ENABLED=1 did not start enabled: {done.stderr.strip()[-200:]}", "install again")


def _unpatched() -> dict[str, Any]:
    from governor._unseen import installed
    from governor.patches import find_patches

    libraries = sorted({patch.library for patch in find_patches() if patch.family != "scope"})
    unseen = installed()
    message = f"{len(libraries)} libraries are intercepted: {', '.join(libraries)}; what is not in this list is only witnessed"
    if unseen:
        message += f"; installed here and neither intercepted nor witnessed: {', '.join(unseen)}"
    return _finding("patches", True, message)
