"""paramiko: commands, raw channels and file transfer over a real SSH server."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from typing import Any, Dict

from ..servers import Tally, Target, listen
from ..way import way

GEVENT = True
REQUIRES = ("paramiko",)
WITHOUT = ()
_bound: Dict[str, Any] = {}


class Server(Tally):
    """Counts commands and file operations that name the marker."""

    def __init__(self) -> None:
        super().__init__()
        import paramiko

        self._key = paramiko.RSAKey.generate(2048)
        self._folder = tempfile.mkdtemp()
        self._port = listen(self._serve)

    def address(self) -> Target:
        return {"host": "127.0.0.1", "port": self._port, "folder": self._folder}

    def _serve(self, connection: Any) -> None:
        import paramiko

        tally = self

        class Session(paramiko.ServerInterface):
            def check_auth_password(self, username: str, password: str) -> int:
                return paramiko.common.AUTH_SUCCESSFUL

            def check_channel_request(self, kind: str, number: int) -> int:
                return paramiko.common.OPEN_SUCCEEDED

            def check_channel_direct_tcpip_request(self, number: int, origin: Any, destination: Any) -> int:
                tally.arrived(str(destination).encode())
                return paramiko.common.OPEN_SUCCEEDED

            def check_port_forward_request(self, address: str, port: int) -> int:
                tally.arrived(address.encode())
                return 4022

            def check_channel_shell_request(self, channel: Any) -> bool:
                return True

            def check_channel_exec_request(self, channel: Any, command: bytes) -> bool:
                tally.arrived(command)
                threading.Thread(target=self._answer, args=(channel,), daemon=True).start()
                return True

            @staticmethod
            def _answer(channel: Any) -> None:
                time.sleep(0.03)
                with contextlib.suppress(EOFError, OSError):  # the client may have hung up
                    channel.send(b"done")
                    channel.send_exit_status(0)
                    channel.close()

        class Files(paramiko.SFTPServerInterface):
            def open(self, path: str, flags: int, attributes: Any) -> Any:
                tally.arrived(path.encode())
                handle = paramiko.SFTPHandle(flags)
                handle.writefile = os.fdopen(os.open(tally._folder + "/" + path, flags | os.O_CREAT, 0o600), "wb")
                return handle

            def remove(self, path: str) -> int:
                tally.arrived(path.encode())
                return int(paramiko.SFTP_OK)

            def stat(self, path: str) -> Any:
                return paramiko.SFTPAttributes.from_stat(os.stat(tally._folder + "/" + path))

        transport = paramiko.Transport(connection)
        transport.add_server_key(self._key)
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
        transport.start_server(server=Session())
        while transport.is_active():
            channel = transport.accept(5)
            if channel is not None and channel.closed:
                continue


def prepare(target: Any) -> None:
    _bound["client"] = _client(target)


def _client(target: Any) -> Any:
    import paramiko

    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(target.host, target.port, "u", "p", allow_agent=False, look_for_keys=False)
    return client


@way("exec_command", carriers=("thread", "pool", "to_thread"), faults=True)
def exec_command(target: Any) -> Any:
    with _client(target) as client:
        return client.exec_command(f"touch {target.marker}")[1].read().decode()


@way("channel.exec_command")
def channel_exec(target: Any) -> Any:
    with _client(target) as client:
        channel = client.get_transport().open_session()
        channel.exec_command(f"touch {target.marker}")
        return channel.recv(4).decode()


@way("sftp.putfo", decisions=None)
def sftp_putfo(target: Any) -> Any:
    import io

    with _client(target) as client, client.open_sftp() as sftp:
        return sftp.putfo(io.BytesIO(b"x"), target.marker, confirm=False).st_size


@way("sftp.remove")
def sftp_remove(target: Any) -> Any:
    with _client(target) as client, client.open_sftp() as sftp:
        return sftp.remove(target.marker)


@way("bound-client")
def bound_client(target: Any) -> Any:
    return _bound["client"].exec_command(f"touch {target.marker}")[1].read().decode()


@way("transport.open_channel-direct-tcpip")
def direct_tcpip(target: Any) -> Any:
    with _client(target) as client:
        return client.get_transport().open_channel("direct-tcpip", (target.marker, 80), ("127.0.0.1", 0)).closed


@way("transport.request_port_forward")
def port_forward(target: Any) -> Any:
    with _client(target) as client:
        return client.get_transport().request_port_forward(target.marker, 0)
