"""requests: module functions, sessions, prepared requests, adapters, subclasses, redirects, streams."""

from __future__ import annotations

import pickle
from typing import Any, Dict, List

from ..way import way

REQUIRES = ("requests",)
GEVENT = True
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    from requests import Session, post

    _bound.update(post=post, session=Session())
    _bound["session"].get(f"{target.url}/{target.marker}/warm")


def _answer(response: Any) -> List[Any]:
    return [response.status_code, response.text, len(response.history)]


@way(carriers=True, faults=True)
def post(target: Any) -> Any:
    import requests

    return _answer(requests.post(f"{target.url}/{target.marker}", data={"amount": 1}))


@way()
def get(target: Any) -> Any:
    import requests

    return _answer(requests.get(f"{target.url}/{target.marker}"))


@way("session.post", faults=True)
def session_post(target: Any) -> Any:
    import requests

    with requests.Session() as session:
        return _answer(session.post(f"{target.url}/{target.marker}", json={"amount": 1}))


@way("session.request-put")
def session_request(target: Any) -> Any:
    import requests

    return _answer(requests.Session().request("PUT", f"{target.url}/{target.marker}"))


@way("session.send-prepared")
def prepared(target: Any) -> Any:
    import requests

    session = requests.Session()
    return _answer(session.send(session.prepare_request(requests.Request("DELETE", f"{target.url}/{target.marker}"))))


@way("adapter.send")
def adapter(target: Any) -> Any:
    import requests

    request = requests.Request("POST", f"{target.url}/{target.marker}", data=b"x").prepare()
    return requests.adapters.HTTPAdapter().send(request).status_code


@way("bound-function")
def bound_function(target: Any) -> Any:
    return _answer(_bound["post"](f"{target.url}/{target.marker}"))


@way("bound-session-keep-alive")
def bound_session(target: Any) -> Any:
    return _answer(_bound["session"].post(f"{target.url}/{target.marker}"))


@way("pickled-session")
def pickled(target: Any) -> Any:
    import requests

    return _answer(pickle.loads(pickle.dumps(requests.Session())).post(f"{target.url}/{target.marker}"))


@way("subclass-overrides-send")
def subclass(target: Any) -> Any:
    import requests

    class Own(requests.Session):
        def send(self, request: Any, **options: Any) -> Any:
            return self.get_adapter(request.url).send(request)

    return Own().post(f"{target.url}/{target.marker}").status_code


@way("streamed")
def streamed(target: Any) -> Any:
    import requests

    with requests.post(f"{target.url}/stream/{target.marker}", stream=True) as response:
        return list(response.iter_content(5))[0].decode()


@way("generator-body")
def generator_body(target: Any) -> Any:
    import requests

    return _answer(requests.post(f"{target.url}/{target.marker}", data=iter([b"a", b"b"])))


@way("redirect", redirects=True, decisions=2)
def redirect(target: Any) -> Any:
    import requests

    return _answer(requests.post(f"{target.url}/hop/{target.marker}", data=b"x"))


@way("raises-http-error")
def raises_http_error(target: Any) -> Any:
    import requests

    requests.post(f"{target.url}/missing/{target.marker}").raise_for_status()
