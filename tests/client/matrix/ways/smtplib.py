"""smtplib: sendmail, send_message, the piecewise commands, a connection from before."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way

SERVER = "smtp"
GEVENT = True
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    _bound["smtp"] = _connect(target)


def _connect(target: Any) -> Any:
    import smtplib

    return smtplib.SMTP(target.host, target.port)


def _text(target: Any) -> str:
    return f"Subject: {target.marker}\r\n\r\nhello\r\n"


@way("sendmail", carriers=True, faults=True)
def sendmail(target: Any) -> Any:
    with _connect(target) as smtp:
        return smtp.sendmail("a@example.com", ["b@example.com"], _text(target))


@way("send_message")
def send_message(target: Any) -> Any:
    from email.message import EmailMessage

    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = target.marker, "a@example.com", "b@example.com"
    with _connect(target) as smtp:
        return smtp.send_message(message)


@way("mail-rcpt-data")
def piecewise(target: Any) -> Any:
    with _connect(target) as smtp:
        smtp.ehlo()
        smtp.mail("a@example.com")
        smtp.rcpt("b@example.com")
        return list(smtp.data(_text(target)))[0]


@way("docmd-data")
def docmd(target: Any) -> Any:
    with _connect(target) as smtp:
        smtp.ehlo()
        smtp.docmd("MAIL", "FROM:<a@example.com>")
        smtp.docmd("RCPT", "TO:<b@example.com>")
        smtp.docmd("DATA")
        smtp.send(_text(target) + "\r\n.\r\n")
        return smtp.getreply()[0]


@way("lmtp")
def lmtp(target: Any) -> Any:
    import smtplib

    with smtplib.LMTP(target.host, target.port) as connection:
        return connection.sendmail("a@example.com", ["b@example.com"], _text(target))


@way("bound-connection")
def bound_connection(target: Any) -> Any:
    return _bound["smtp"].sendmail("a@example.com", ["b@example.com"], _text(target))


@way("subclass")
def subclass(target: Any) -> Any:
    import smtplib

    class Own(smtplib.SMTP):
        pass

    with Own(target.host, target.port) as smtp:
        return smtp.sendmail("a@example.com", "b@example.com", _text(target))


@way("raises-refused", effects=0)
def raises_refused(target: Any) -> Any:
    with _connect(target) as smtp:
        smtp.sendmail("a@example.com", ["rejected@example.com"], _text(target))
