"""curl_cffi: its requests-like functions and sessions, which no other layer sees."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("curl_cffi",)


@way("post", carriers=("thread", "pool", "to_thread", "fork"), faults=True)
def post(target: Any) -> Any:
    from curl_cffi import requests

    return requests.post(f"{target.url}/{target.marker}", data=b"x").text


@way("session.get")
def session_get(target: Any) -> Any:
    from curl_cffi import requests

    with requests.Session() as session:
        return session.get(f"{target.url}/{target.marker}").status_code


@way("curl.perform")
def perform(target: Any) -> Any:
    from io import BytesIO

    from curl_cffi import Curl, CurlOpt

    curl, body = Curl(), BytesIO()
    curl.setopt(CurlOpt.URL, f"{target.url}/{target.marker}".encode())
    curl.setopt(CurlOpt.WRITEDATA, body)
    curl.perform()
    return body.getvalue().decode()


@way("async-session.post", faults=True)
async def async_post(target: Any) -> Any:
    from curl_cffi import requests

    async with requests.AsyncSession() as session:
        return (await session.post(f"{target.url}/{target.marker}", data=b"x")).text


@way("redirect", redirects=True, decisions=2)
def redirect(target: Any) -> Any:
    from curl_cffi import requests

    return requests.post(f"{target.url}/hop/{target.marker}", data=b"x").status_code
