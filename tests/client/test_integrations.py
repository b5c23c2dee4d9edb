"""The opt-in sugar, with the frameworks themselves."""

from __future__ import annotations

import inspect
import json

import pytest
import requests

import governor


def test_asgi(enabled, web):
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route
    from starlette.testclient import TestClient

    from governor.integrations.asgi import GovernorMiddleware

    def endpoint(request):
        return PlainTextResponse(requests.get(web.url, timeout=5).text)

    plane = enabled(cache_ttl_ms=0)
    app = Starlette(routes=[Route("/", endpoint)])
    app.add_middleware(GovernorMiddleware, identify=lambda scope: {"actor_id": dict(scope["headers"])[b"x-user"].decode()}, respond=True)
    client = TestClient(app)
    assert client.get("/", headers={"x-user": "ann"}).text == "hello"
    assert plane.requests[0]["actor"]["id"] == "ann" and plane.requests[0]["layer"] == "api" and plane.requests[0]["action"] == "read"
    plane.answer = "DENY"
    answer = client.get("/", headers={"x-user": "bob"})
    assert answer.status_code == 403 and answer.json()["type"] == "policy_denied" and answer.json()["request_id"]


def test_wsgi_and_streaming(enabled, web):
    flask = pytest.importorskip("flask")
    from governor.integrations.wsgi import GovernorMiddleware

    app = flask.Flask("shop")

    @app.get("/")
    def index():
        def stream():
            yield requests.get(web.url + "/1", timeout=5).text
            yield requests.get(web.url + "/2", timeout=5).text

        return flask.Response(stream())

    plane = enabled()
    app.wsgi_app = GovernorMiddleware(app.wsgi_app, identify=lambda environ: {"actor_id": environ["HTTP_X_USER"]})
    assert app.test_client().get("/", headers={"x-user": "ann"}).text == "hellohello"
    assert [request["actor"]["id"] for request in plane.requests] == ["ann", "ann"]


def identify(request):
    return {"actor_id": request.headers["x-user"]}


def test_django(enabled, web):
    django = pytest.importorskip("django")
    from django.conf import settings
    from django.http import HttpResponse
    from django.test import Client
    from django.urls import path

    def view(request):
        return HttpResponse(requests.get(web.url, timeout=5).text)

    if not settings.configured:
        settings.configure(
            ROOT_URLCONF=(path("", view),), ALLOWED_HOSTS=["*"], MIDDLEWARE=["governor.integrations.django.GovernorMiddleware"],
            GOVERNOR_IDENTIFY="test_integrations.identify", DATABASES={},
        )  # fmt: skip
        django.setup()
    plane = enabled()
    assert Client().get("/", headers={"x-user": "ann"}).content == b"hello"
    assert plane.requests[0]["actor"]["id"] == "ann"


def test_celery_messages_carry_the_intent(enabled):
    celery = pytest.importorskip("celery")
    import time

    from governor._scope import current_scope
    from governor.integrations.celery import connect, disconnect

    app = celery.Celery("shop", broker="memory://", backend="cache+memory://")
    seen = []

    @app.task(name="work")
    def work():
        scope = current_scope()
        seen.append((scope.event.resource_name, scope.event.actor_id) if scope else None)

    from celery.contrib.testing.worker import start_worker

    connect()
    try:
        with start_worker(app, perform_ping_check=False, pool="solo"):
            with governor.intent(governor.intent_from(action="write", resource_name="orders", actor_id="ann")):
                work.apply_async()
            work.apply_async()
            until = time.monotonic() + 10
            while len(seen) < 2 and time.monotonic() < until:
                time.sleep(0.05)
    finally:
        disconnect()
    assert seen == [("orders", "ann"), None]


def test_langgraph_tools(enabled, web):
    pytest.importorskip("langgraph.prebuilt")
    from langchain_core.messages import AIMessage
    from langchain_core.tools import tool
    from langgraph.graph import END, START, MessagesState, StateGraph
    from langgraph.prebuilt import ToolNode

    from governor.integrations.langgraph import governed_tool_call

    if "wrap_tool_call" not in inspect.signature(ToolNode).parameters:
        pytest.skip("this langgraph has no wrap_tool_call")

    @tool
    def refund(amount: int) -> str:
        """Give money back."""
        return requests.post(web.url, timeout=5).text

    plane = enabled(cache_ttl_ms=0, families="http")
    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode([refund], wrap_tool_call=governed_tool_call))
    graph.add_edge(START, "tools")
    graph.add_edge("tools", END)
    app = graph.compile()
    message = AIMessage("", tool_calls=[{"name": "refund", "args": {"amount": 5}, "id": "1", "type": "tool_call"}])
    assert app.invoke({"messages": [message]})["messages"][-1].content == "hello"
    assert [request["resource"]["type"] for request in plane.requests] == ["tool", "external_api"]
    assert plane.requests[1]["context"]["tool"]["name"] == "refund"
    plane.answer = lambda body: "DENY" if body["resource"]["type"] == "external_api" else "ALLOW"
    refusal = json.loads(app.invoke({"messages": [message]})["messages"][-1].content)
    assert refusal["type"] == "policy_denied" and refusal["next_steps"]
