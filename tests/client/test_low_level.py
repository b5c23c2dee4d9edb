"""The steps below a library's usual functions: a protocol's own commands, one by one."""

from __future__ import annotations

import asyncio
import ftplib
import http.client
import imaplib
import inspect
import smtplib
import socket
import threading

import pytest

import governor


class LineServer:
    """Answers each line as a test wants, and keeps what it got."""

    def __init__(self, greeting, reply):
        self.lines = []
        self._greeting, self._reply = greeting, reply
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            try:
                connection.sendall(self._greeting)
                for line in connection.makefile("rb"):
                    self.lines.append(line)
                    connection.sendall(self._reply(line))
            except OSError:
                continue

    def close(self):
        self._server.close()


@pytest.fixture
def line_server():
    made = []

    def make(greeting, reply):
        made.append(LineServer(greeting, reply))
        return made[-1]

    yield make
    for server in made:
        server.close()


def test_smtp_data(enabled, line_server):
    server = line_server(b"220 hello\r\n", lambda line: b"354 go on\r\n" if line.lower().startswith(b"data") else b"250 ok\r\n")
    enabled().answer = "DENY"
    smtp = smtplib.SMTP("127.0.0.1", server.port)
    smtp.ehlo()
    smtp.mail("a@example.com")
    smtp.rcpt("b@example.com")
    ways = [
        lambda: smtp.data(b"x"),
        lambda: smtp.docmd("DATA"),
        lambda: smtp.putcmd("data"),
        lambda: smtp.send(b"DATA\r\n"),
        lambda: smtp.send("noop\r\ndata\r\n"),
        lambda: smtp.sendmail("a@example.com", "b@example.com", "x"),
    ]
    for way in ways:
        with pytest.raises(governor.PolicyDenied):
            way()
    assert not any(line.lower().startswith(b"data") for line in server.lines)


def test_ftp_lines(enabled, line_server):
    server = line_server(b"220 hello\r\n", lambda line: b"250 ok\r\n")
    enabled().answer = "DENY"
    ftp = ftplib.FTP()
    ftp.connect("127.0.0.1", server.port)
    for way in (ftp.putline, ftp.putcmd, ftp.sendcmd, ftp.voidcmd):
        with pytest.raises(governor.PolicyDenied):
            way("DELE x")
    assert not server.lines


def test_closing_a_mailbox_removes_what_is_marked(enabled, line_server):
    def reply(line):
        tag, command = line.split()[:2]
        first = {b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n", b"SELECT": b"* 1 EXISTS\r\n", b"EXAMINE": b"* 1 EXISTS\r\n"}.get(command, b"")
        return first + tag + b" OK done\r\n"

    server = line_server(b"* OK hello\r\n", reply)
    plane = enabled()
    mailbox = imaplib.IMAP4("127.0.0.1", server.port)
    mailbox.login("a", "b")
    mailbox.select("INBOX")
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        mailbox.close()
    assert plane.requests[-1]["action"] == "delete"
    assert not any(b"CLOSE" in line for line in server.lines)
    plane.answer = "ALLOW"
    mailbox.select("INBOX", readonly=True)
    asked = len(plane.requests)
    mailbox.close()
    assert len(plane.requests) == asked


KAFKA = (("kafka.admin.client", "KafkaAdminClient"), ("confluent_kafka.admin", "AdminClient"), ("aiokafka.admin.client", "AIOKafkaAdminClient"))
READS = ("describe_", "list_", "find_", "get_", "wait_for_")
OTHERS = ("DEFAULT_CONFIG", "api_versions", "close", "cluster_id", "poll", "set_sasl_credentials", "start")


@pytest.mark.parametrize(("module", "name"), KAFKA)
def test_what_kafka_s_administration_changes(enabled, module, name):
    kind = getattr(pytest.importorskip(module), name)
    plane = enabled()
    plane.answer = "DENY"
    changes = [method for method in dir(kind) if not method.startswith(("_", *READS)) and method not in OTHERS]
    assert {"create_topics", "delete_topics", "delete_records", "alter_configs"} <= set(changes)
    client = kind.__new__(kind)
    for method in changes:
        with pytest.raises(governor.PolicyDenied):
            result = getattr(client, method)(["orders"])
            if inspect.isawaitable(result):
                asyncio.run(result)
        asked = plane.requests[-1]
        assert asked["action"] == ("delete" if method.startswith(("delete", "remove")) else "write")
        assert asked["context"]["call"]["qualified_name"].endswith("." + method)


def test_what_a_connection_sends_after_a_request(enabled, web):
    plane = enabled()
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=5)
    connection.request("GET", "/first")
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        connection.send(b"DELETE /second HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.getresponse().status == 200


def test_a_single_http_2_connection(enabled):
    connection = pytest.importorskip("urllib3.http2.connection").HTTP2Connection("api.example.com")
    plane = enabled()
    plane.answer = "DENY"
    with pytest.raises(governor.PolicyDenied):
        connection.putrequest("POST", "/charges")
    call = plane.requests[0]["context"]["call"]
    assert (call["method"], call["destination"]) == ("POST", "https://api.example.com/charges")
