"""The gate: one question for one call, and no effect without a valid ALLOW."""

from __future__ import annotations

import socket
import subprocess
import urllib.request
from unittest import mock

import pytest
import requests
import urllib3

import governor


def test_an_allowed_request_is_asked_once_and_happens(enabled, web):
    plane = enabled()
    assert requests.get(web.url + "/a", timeout=5).text == "hello"
    assert plane.calls() == ["requests.Session.send"]
    assert web.seen == [("GET", "/a", b"")]


@pytest.mark.parametrize(
    "send",
    [
        lambda url: requests.get(url, timeout=5),
        lambda url: requests.Session().post(url, json={"a": 1}, timeout=5),
        lambda url: urllib3.PoolManager().request("GET", url),
        lambda url: urllib.request.urlopen(url, timeout=5),
    ],
    ids=["requests", "session", "urllib3", "urllib"],
)
def test_a_denied_request_does_not_reach_the_server(enabled, web, send):
    plane = enabled()
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied) as caught:
        send(web.url + "/a")
    assert web.seen == []
    assert len(plane.requests) == 1
    assert caught.value.request_id and caught.value.policy_ids == ["test-policy"]
    assert "test_gate.py" in caught.value.call_site


def test_a_denied_process_does_not_start(enabled, tmp_path):
    enabled().answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        subprocess.run(["touch", str(tmp_path / "made")], check=True)
    assert not (tmp_path / "made").exists()


def test_a_mock_of_the_application_s_sockets_is_not_asked(enabled):
    plane = enabled()
    real = socket.socket

    def mocked(*args, fileno=None, **kwargs):
        if fileno is None:
            raise BlockingIOError
        # What the plane accepts in this very process.
        return real(*args, fileno=fileno, **kwargs)

    with mock.patch("socket.socket", side_effect=mocked):
        assert governor.enforce(governor.intent_from(action="read", resource_name="orders")).decision == "ALLOW"
    assert len(plane.requests) == 1
