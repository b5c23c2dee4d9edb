"""HTTP clients: one question for a request, none of it sent after a denial, each hop to another place asked again."""

from __future__ import annotations

import http.client
import urllib.request

import aiohttp
import httpx
import httpx2
import pytest
import requests
import urllib3

import governor


async def _httpx_async(url):
    async with httpx.AsyncClient() as client:
        return (await client.get(url, follow_redirects=True)).status_code


async def _httpx2_async(url):
    async with httpx2.AsyncClient() as client:
        return (await client.get(url, follow_redirects=True)).status_code


async def _aiohttp(url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status


def _http_client(url):
    host, _, path = url.partition("://")[2].partition("/")
    connection = http.client.HTTPConnection(host)
    connection.request("GET", "/" + path)
    return connection.getresponse().status


def _putrequest(url):
    host, _, path = url.partition("://")[2].partition("/")
    connection = http.client.HTTPConnection(host)
    connection.putrequest("GET", "/" + path)
    connection.endheaders()
    return connection.getresponse().status


SYNC = {
    "requests": lambda url: requests.get(url, timeout=5).status_code,
    "requests-session": lambda url: requests.Session().get(url, timeout=5).status_code,
    "requests-stream": lambda url: requests.get(url, stream=True, timeout=5).status_code,
    "requests-adapter": lambda url: requests.adapters.HTTPAdapter().send(requests.Request("GET", url).prepare()).status_code,
    "urllib3": lambda url: urllib3.PoolManager().request("GET", url).status,
    "urllib": lambda url: urllib.request.urlopen(url, timeout=5).status,
    "httpx": lambda url: httpx.get(url, follow_redirects=True).status_code,
    "httpx2": lambda url: httpx2.get(url, follow_redirects=True).status_code,
    "http.client": _http_client,
    "http.client-putrequest": _putrequest,
}
ASYNC = {"httpx": _httpx_async, "httpx2": _httpx2_async, "aiohttp": _aiohttp}
REDIRECTING = [name for name in SYNC if name not in ("requests-adapter", "http.client", "http.client-putrequest")]


@pytest.mark.parametrize("name", SYNC)
def test_one_question_and_the_plain_result(enabled, web, name):
    plane = enabled()
    assert SYNC[name](web.url + "/path?q=1") == 200
    assert len(web.seen) == 1
    assert len(plane.requests) == 1, plane.calls()
    call = plane.requests[0]["context"]["call"]
    assert call["destination"] == web.url + "/path?q=1"
    assert call["method"] == "GET"
    assert plane.requests[0]["action"] == "read"


@pytest.mark.parametrize("name", SYNC)
def test_denied_is_not_sent(enabled, web, name):
    enabled().answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        SYNC[name](web.url + "/path")
    assert web.seen == []


@pytest.mark.parametrize("name", ASYNC)
async def test_async_one_question(enabled, web, name):
    plane = enabled()
    assert await ASYNC[name](web.url + "/path") == 200
    assert len(web.seen) == len(plane.requests) == 1


@pytest.mark.parametrize("name", ASYNC)
async def test_async_denied_is_not_sent(enabled, web, name):
    enabled().answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        await ASYNC[name](web.url + "/path")
    assert web.seen == []


def _denies(path):
    return lambda body: "DENY" if body["context"]["call"]["destination"].endswith(path) else "ALLOW"


@pytest.mark.parametrize("name", REDIRECTING)
def test_a_redirect_is_asked_again(enabled, web, name):
    enabled().answer = _denies("/secret")
    web.redirects["/start"] = web.url.replace("127.0.0.1", "localhost") + "/secret"
    with pytest.raises(governor.PolicyDenied):
        SYNC[name](web.url + "/start")
    assert [path for _, path, _ in web.seen] == ["/start"]


@pytest.mark.parametrize("name", ASYNC)
async def test_an_async_redirect_is_asked_again(enabled, web, name):
    enabled().answer = _denies("/secret")
    web.redirects["/start"] = web.url.replace("127.0.0.1", "localhost") + "/secret"
    with pytest.raises(governor.PolicyDenied):
        await ASYNC[name](web.url + "/start")
    assert [path for _, path, _ in web.seen] == ["/start"]


def test_an_answer_is_reused_for_the_same_request_only(enabled, web):
    plane = enabled()
    for _ in range(3):
        requests.post(web.url + "/a", data="one", timeout=5)
    assert len(plane.requests) == 1
    requests.post(web.url + "/a", data="two", timeout=5)
    requests.post(web.url + "/b", data="one", timeout=5)
    requests.put(web.url + "/a", data="one", timeout=5)
    assert len(plane.requests) == 4
    with governor.intent(governor.intent_from(action="write", actor_id="somebody")):
        requests.post(web.url + "/a", data="one", timeout=5)
    assert len(plane.requests) == 5
    requests.post(web.url + "/a", data=iter([b"stream"]), timeout=5)
    requests.post(web.url + "/a", data=iter([b"stream"]), timeout=5)
    assert len(plane.requests) == 7


def test_in_process_transports_are_not_asked_about(enabled):
    plane = enabled()
    transport = httpx.MockTransport(lambda request: httpx.Response(204))
    assert httpx.Client(transport=transport).get("http://nowhere/").status_code == 204
    assert plane.requests == []


def test_secrets_are_masked_before_they_are_sent(enabled, web):
    plane = enabled()
    requests.get(web.url + "/a?api_key=abcdef123&x=1", timeout=5)
    assert plane.requests[0]["context"]["call"]["destination"] == web.url + "/a?api_key=***&x=1"
    assert web.seen[0][1] == "/a?api_key=abcdef123&x=1"
