"""An ALLOW holds for what it was asked for: what looks like the same call, or runs inside one, and is not, is asked about."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from concurrent import futures

import pytest
import requests

import governor


@pytest.mark.parametrize("field", ["x-amz-copy-source", "Destination", "X-HTTP-Method-Override", "X-Amz-Target", "Host"])
def test_a_header_that_decides_what_happens(enabled, web, field):
    import urllib.request

    import aiohttp
    import httpx
    import urllib3

    plane = enabled()

    async def by_aiohttp(headers):
        async with aiohttp.ClientSession() as session, session.put(web.url + "/aiohttp", headers=headers) as answer:
            return await answer.text()

    ways = [
        lambda headers: requests.put(web.url + "/requests", headers=headers, timeout=5),
        lambda headers: urllib3.PoolManager().request("PUT", web.url + "/urllib3", headers=headers),
        lambda headers: httpx.put(web.url + "/httpx", headers=headers),
        lambda headers: urllib.request.urlopen(urllib.request.Request(web.url + "/urllib", headers=headers, method="PUT")).read(),
        lambda headers: asyncio.run(by_aiohttp(headers)),
    ]
    for way in ways:
        before = len(plane.requests)
        for value in ("/a/1", "/a/2", "/a/2"):
            way({field: value})
        asked = plane.requests[before:]
        assert len(asked) == 2, asked
        assert len({body["context"]["call"]["arguments"] for body in asked}) == 2
    before = len(plane.requests)
    for value in ("1", "2"):
        ways[0]({"X-Request-Id": value})
    assert len(plane.requests) == before + 1


def test_a_body_that_an_adapter_puts_in_its_place(enabled, web):
    class Adapter(requests.adapters.HTTPAdapter):
        def send(self, request, **kwargs):
            request.body = b"evil"
            request.headers["Content-Length"] = "4"
            return super().send(request, **kwargs)

    plane = enabled()
    plane.answer = lambda body: "ALLOW" if len(plane.requests) == 1 else "DENY"
    session = requests.Session()
    session.mount("http://", Adapter())
    with pytest.raises(governor.PolicyDenied):
        session.post(web.url + "/x", data=b"good", timeout=5)
    assert not web.seen


def test_another_request_from_a_hook(enabled, web):
    def hook(response, **kwargs):
        if response.request.body == b"good":
            requests.post(web.url + "/x", data=b"evil", timeout=5)

    plane = enabled()
    plane.answer = lambda body: "ALLOW" if len(plane.requests) == 1 else "DENY"
    with pytest.raises(governor.PolicyDenied):
        requests.post(web.url + "/x", data=b"good", hooks={"response": hook}, timeout=5)
    assert [body for _method, _path, body in web.seen] == [b"good"]


def test_a_statement_that_a_listener_puts_in_its_place(enabled, tmp_path):
    import sqlalchemy

    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/a.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1), (2)")
    engine.dispose()

    @sqlalchemy.event.listens_for(engine, "before_cursor_execute", retval=True)
    def rewrite(connection, cursor, statement, parameters, context, executemany):
        return ("DELETE FROM t", ()) if statement.startswith("DELETE") else (statement, parameters)

    plane = enabled()
    plane.answer = lambda body: "ALLOW" if body["context"]["call"]["qualified_name"].startswith("sqlalchemy") else "DENY"
    with pytest.raises(governor.PolicyDenied), engine.begin() as connection:
        connection.execute(sqlalchemy.text("DELETE FROM t WHERE a = :a"), {"a": 1})
    governor.disable()
    with engine.begin() as connection:
        assert connection.execute(sqlalchemy.text("SELECT count(*) FROM t")).scalar() == 2


def test_another_statement_from_a_listener(enabled, tmp_path):
    import sqlalchemy

    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/a.db")
    for path in ("a.db", "b.db"):
        sqlite3.connect(tmp_path / path).execute("CREATE TABLE t (a)")
    plane = enabled()
    other = sqlite3.connect(tmp_path / "b.db")

    @sqlalchemy.event.listens_for(engine, "after_cursor_execute")
    def tell(*arguments):
        other.execute("INSERT INTO t VALUES (99)")

    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("INSERT INTO t VALUES (1)"))
    assert plane.calls() == ["sqlalchemy.engine.Connection.execute", "sqlite3.Cursor.execute"]


def test_parameters_that_an_event_handler_puts_in_their_place(enabled, web):
    import boto3
    import botocore.exceptions

    client = boto3.client("s3", region_name="us-east-1", endpoint_url=web.url, aws_access_key_id="a", aws_secret_access_key="b")

    def swap(params, **keywords):
        params["Bucket"] = "evil" if params["Bucket"] == "good" else params["Bucket"]

    client.meta.events.register("before-parameter-build.s3.PutObject", swap)
    plane = enabled()
    plane.answer = lambda body: "DENY" if body["resource"]["name"] == "evil" else "ALLOW"
    with pytest.raises(governor.PolicyDenied):
        client.put_object(Bucket="good", Key="k", Body=b"x")
    assert not web.seen
    with contextlib.suppress(botocore.exceptions.ClientError):  # the server is none of AWS's
        client.put_object(Bucket="other", Key="k", Body=b"x")
    assert [body["resource"]["name"] for body in plane.requests] == ["good", "evil", "other"]
    assert web.seen


def test_what_runs_as_a_connection_opens(enabled, tmp_path):
    redis = pytest.importorskip("redis")
    plane = enabled()
    plane.answer = "DENY"

    class Connection(sqlite3.Connection):
        def __init__(self, *arguments, **keywords):
            super().__init__(*arguments, **keywords)
            self.execute("CREATE TABLE t (a)")

    with pytest.raises(governor.PolicyDenied):
        sqlite3.connect(tmp_path / "a.db", factory=Connection)

    class Provider(redis.CredentialProvider):
        def get_credentials(self):
            sqlite3.connect(tmp_path / "b.db").execute("CREATE TABLE t (a)")
            return ()

    plane.answer = lambda body: "ALLOW" if body["context"]["call"]["method"] == "SET" else "DENY"
    with contextlib.suppress(redis.ConnectionError):
        with pytest.raises(governor.PolicyDenied):
            redis.Redis(credential_provider=Provider()).set("governor-test", 1)


@pytest.mark.parametrize("driver", ["pymysql", "MySQLdb", "mysql.connector"])
def test_a_statement_given_to_connect(enabled, driver):
    import importlib
    import socket

    module = pytest.importorskip(driver)
    module = importlib.import_module(driver)
    try:
        socket.create_connection(("127.0.0.1", 3306), 1).close()
    except OSError:
        pytest.skip("no MariaDB answers at its port")
    plane = enabled()
    plane.answer = "DENY"
    with pytest.raises(Exception) as caught:
        module.connect(host="127.0.0.1", user="root", init_command="CREATE DATABASE governor_made")
    if "Access denied" in str(caught.value):
        pytest.skip("no account")
    assert "the policy plane denied the call" in str(caught.value) + str(caught.value.__cause__)


def test_a_tool_that_calls_itself(enabled):
    from langchain_core.tools import tool

    ran = []

    @tool
    def again(depth: int) -> str:
        """Call it again."""
        ran.append(depth)
        return again.invoke({"depth": depth - 1}) if depth else "done"

    plane = enabled()
    plane.answer = lambda body: "ALLOW" if len(plane.requests) <= 2 else "DENY"
    with pytest.raises(governor.PolicyDenied):
        again.invoke({"depth": 5})
    assert ran == [5, 4]


def test_an_eager_task_that_sends_itself(enabled):
    import celery

    app = celery.Celery("test", broker="memory://")
    app.conf.update(task_always_eager=True, task_eager_propagates=True)
    ran = []

    @app.task
    def again(depth):
        ran.append(depth)
        if depth:
            again.delay(depth - 1)

    plane = enabled()
    plane.answer = lambda body: "ALLOW" if len(plane.requests) <= 2 else "DENY"
    with pytest.raises(governor.PolicyDenied):
        again.delay(5)
    assert ran == [5, 4]


def test_a_message_that_an_interceptor_puts_in_its_place(enabled):
    grpc = pytest.importorskip("grpc")
    seen = []

    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            return grpc.unary_unary_rpc_method_handler(lambda request, context: seen.append(request) or b"ok")

    class Rewrite(grpc.aio.UnaryUnaryClientInterceptor):
        async def intercept_unary_unary(self, continuation, details, request):
            return await continuation(details, b"evil")

    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Handler(),))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    plane = enabled()

    async def main():
        async with grpc.aio.insecure_channel(address, interceptors=[Rewrite()]) as channel:
            await channel.unary_unary("/test.Service/Write")(b"good")
        async with grpc.aio.insecure_channel(address) as channel:
            await channel.unary_unary("/test.Service/Write")(b"evil")

    asyncio.run(main())
    server.stop(None)
    assert seen == [b"evil", b"evil"]
    # Asked once: the second call is the question that the first one was.
    assert len(plane.requests) == 1


def test_a_decision_is_for_one_actor_and_tenant(enabled, web):
    plane = enabled()
    for actor, tenant in (("a", "x"), ("b", "x"), ("a", "y"), ("a", "x")):
        with governor.intent(governor.intent_from(action="read", actor_id=actor, tenant_id=tenant)):
            requests.get(web.url + "/x", timeout=5)
    assert [body["actor"]["id"] for body in plane.requests] == ["a", "b", "a"]


def test_a_forked_child_asks_again(enabled, web):
    plane = enabled()
    requests.get(web.url + "/x", timeout=5)
    plane.answer = "DENY"
    child = os.fork()
    if not child:
        try:
            requests.get(web.url + "/x", timeout=5)
        except governor.PolicyDenied:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_a_command_that_names_an_allowed_host(enabled, tmp_path):
    import subprocess

    plane = enabled(allow_hosts="api.example")
    plane.answer = "DENY"
    made = tmp_path / "made"
    for command in ([["touch", str(made), "http://api.example/"]], [f"http://api.example/; touch {made}"]):
        with pytest.raises(governor.PolicyDenied):
            subprocess.run(*command, shell=isinstance(command[0], str))
    assert not made.exists()


def test_the_same_command_elsewhere(enabled, tmp_path, monkeypatch):
    import subprocess

    plane = enabled()
    (tmp_path / "other").mkdir()
    for place in (tmp_path, tmp_path / "other", tmp_path):
        monkeypatch.chdir(place)
        subprocess.run(["touch", "made"], check=True)
    assert len(plane.requests) == 2


@pytest.mark.parametrize("spelling", ["127.1", "2130706433", "0x7f000001", "127.0.0.1."])
def test_a_denied_host_by_another_spelling(enabled, web, spelling):
    import urllib.request

    enabled(deny_hosts="127.0.0.1")
    with pytest.raises(governor.PolicyDenied) as caught:
        urllib.request.urlopen(f"http://{spelling}:{web.port}/", timeout=2)
    assert caught.value.cause == "host_denied" and not web.seen


def test_a_denied_host_below_an_allowed_call(enabled, web):
    import boto3
    import botocore.exceptions
    from botocore.config import Config

    client = boto3.client(
        "s3", region_name="us-east-1", endpoint_url=f"http://localhost:{web.port}", aws_access_key_id="a", aws_secret_access_key="b",
        config=Config(s3={"addressing_style": "virtual"}, retries={"total_max_attempts": 1}),
    )  # fmt: skip
    enabled(deny_hosts="bucket.localhost")
    with pytest.raises(botocore.exceptions.HTTPClientError, match="GOVERNOR_DENY_HOSTS"):
        client.list_objects_v2(Bucket="bucket")
    assert not web.seen


def test_an_allowed_host_covers_no_other_below_it(enabled):
    import sqlalchemy

    pytest.importorskip("psycopg")
    # What the URL names is not where the driver is told to go.
    elsewhere = {"host": "127.0.0.1", "connect_timeout": 2}
    engine = sqlalchemy.create_engine("postgresql+psycopg://postgres@allowed.example/postgres", connect_args=elsewhere)
    try:
        engine.connect().close()
    except sqlalchemy.exc.OperationalError:
        pytest.skip("no PostgreSQL answers at its port")
    enabled(allow_hosts="allowed.example").answer = "DENY"
    with pytest.raises(governor.PolicyDenied), engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT 1"))


def test_where_a_call_goes_is_what_is_asked(enabled, tmp_path):
    import smtplib

    import sqlalchemy
    from redis.sentinel import Sentinel

    plane = enabled()
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        Sentinel([("127.0.0.1", 1)]).master_for("orders").set("governor-test", 1)
    assert plane.requests[-1]["context"]["call"]["destination"] == "redis+sentinel://orders/0"
    smtp = smtplib.SMTP()
    with contextlib.suppress(OSError):
        smtp.connect("mail.invalid", 25)
    with pytest.raises(governor.PolicyDenied):
        smtp.sendmail("a@example.com", "b@example.com", "x")
    assert plane.requests[-1]["context"]["call"]["destination"] == "smtp://mail.invalid:25"
    plane.answer = "ALLOW"
    before = len(plane.requests)
    for name in ("a.db", "b.db"):
        (tmp_path / name).touch()
        engine = sqlalchemy.create_engine("sqlite://", creator=lambda name=name: sqlite3.connect(tmp_path / name))
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("SELECT 1"))
    assert [body["context"]["call"]["destination"] for body in plane.requests[before:]] == [f"sqlite:///{tmp_path}/{name}" for name in ("a.db", "b.db")]


def test_a_look_up_that_is_none_is_asked_about(enabled):
    """The C connection's `info_query` hands its text to libmysqlclient by itself."""
    module = pytest.importorskip("mysql.connector")
    if not module.HAVE_CEXT:
        pytest.skip("the C extension does not load here")
    try:
        connection = module.connect(host="127.0.0.1", user="root")
    except module.Error:
        pytest.skip("no MariaDB answers at its port")
    enabled().answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        connection.info_query("CREATE DATABASE governor_made")
    assert connection.info_query("SELECT @@version")
