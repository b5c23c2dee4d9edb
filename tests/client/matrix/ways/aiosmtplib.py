"""aiosmtplib: the function, the client, raw sendmail."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("aiosmtplib",)
SERVER = "smtp"


def _text(target: Any) -> str:
    return f"Subject: {target.marker}\r\nFrom: a@example.com\r\nTo: b@example.com\r\n\r\nhello\r\n"


def _message(target: Any) -> Any:
    from email.message import EmailMessage

    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = target.marker, "a@example.com", "b@example.com"
    message.set_content("hello")
    return message


@way("send", carriers=True, faults=True)
async def send(target: Any) -> Any:
    import aiosmtplib

    errors, reply = await aiosmtplib.send(_message(target), hostname=target.host, port=target.port, start_tls=False)
    return [errors, reply]


@way("client.send_message")
async def send_message(target: Any) -> Any:
    import aiosmtplib

    async with aiosmtplib.SMTP(hostname=target.host, port=target.port, start_tls=False) as smtp:
        return (await smtp.send_message(_message(target)))[1]


@way("client.sendmail")
async def sendmail(target: Any) -> Any:
    import aiosmtplib

    async with aiosmtplib.SMTP(hostname=target.host, port=target.port, start_tls=False) as smtp:
        return (await smtp.sendmail("a@example.com", ["b@example.com"], _text(target)))[1]


@way("client.mail-rcpt-data")
async def piecewise(target: Any) -> Any:
    import aiosmtplib

    async with aiosmtplib.SMTP(hostname=target.host, port=target.port, start_tls=False) as smtp:
        await smtp.ehlo()
        await smtp.mail("a@example.com")
        await smtp.rcpt("b@example.com")
        return (await smtp.data(_text(target))).code


@way("sync-client")
def sync_client(target: Any) -> Any:
    import aiosmtplib

    smtp = aiosmtplib.SMTP(hostname=target.host, port=target.port, start_tls=False)
    return smtp.sendmail_sync("a@example.com", ["b@example.com"], _text(target))[1]


@way("raises-refused", effects=0)
async def raises_refused(target: Any) -> Any:
    import aiosmtplib

    async with aiosmtplib.SMTP(hostname=target.host, port=target.port, start_tls=False) as smtp:
        await smtp.sendmail("a@example.com", ["rejected@example.com"], _text(target))
