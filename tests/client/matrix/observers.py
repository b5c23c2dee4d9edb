"""The machine's real servers, watched over a connection of the parent's own.

Each is found at its standard port, or where an environment variable says; `find` answers None where
nothing listens. What counts is what the server itself tells: its rows, its MONITOR stream, its queue.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import Any, Dict, Optional, Type, TypeVar

from .servers import Tally, Target

Observer = TypeVar("Observer", bound="Real")


class Real(Tally):
    """A server that was here before us."""

    name = ""
    variable = ""
    standard_port = 0

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self.host, self.port = host, port

    @classmethod
    def find(cls: Type[Observer]) -> Optional[Observer]:
        host, _, port = os.environ.get(cls.variable, f"127.0.0.1:{cls.standard_port}").rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=2).close()
        except OSError:
            return None
        return cls(host, int(port))

    def address(self) -> Target:
        return {"host": self.host, "port": self.port}


class Postgres(Real):
    """Rows with the marker; `governor_matrix_touch` is a SELECT that leaves one."""

    name, variable, standard_port = "postgres", "MATRIX_POSTGRES", 5432

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        import psycopg

        self._connection = psycopg.connect(self.dsn(), autocommit=True)
        self._connection.execute("create table if not exists governor_matrix (marker text)")
        self._connection.execute(
            "create or replace function governor_matrix_touch(m text) returns int language sql as "
            "$$ insert into governor_matrix values (m); select 1 $$"
        )
        self._connection.execute("truncate governor_matrix")

    def dsn(self) -> str:
        user = os.environ.get("PGUSER", "root")
        password = os.environ.get("PGPASSWORD", "postgres")
        return f"postgresql://{user}:{password}@{self.host}:{self.port}/{os.environ.get('PGDATABASE', 'test')}"

    def address(self) -> Target:
        return {**super().address(), "dsn": self.dsn()}

    def count(self, marker: str) -> int:
        row = self._connection.execute("select count(*) from governor_matrix where marker = %s", (marker,)).fetchone()
        return int(row[0]) if row else 0


class Mariadb(Real):
    """Rows with the marker, seen from a connection that reads what is committed."""

    name, variable, standard_port = "mariadb", "MATRIX_MARIADB", 3306

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        import pymysql

        self._connection = pymysql.connect(**self.login(), autocommit=True)
        with self._connection.cursor() as cursor:
            cursor.execute("create table if not exists governor_matrix (marker varchar(200))")
            cursor.execute("truncate governor_matrix")
            cursor.execute("drop procedure if exists governor_matrix_touch")
            cursor.execute("create procedure governor_matrix_touch(in m varchar(200)) insert into governor_matrix values (m)")

    def login(self) -> Dict[str, Any]:
        return {
            "host": self.host,
            "port": self.port,
            "user": os.environ.get("MYSQL_USER", "root"),
            "password": os.environ.get("MYSQL_PASSWORD", ""),
            "database": os.environ.get("MYSQL_DATABASE", "test"),
        }

    def address(self) -> Target:
        return {"login": self.login()}

    def count(self, marker: str) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute("select count(*) from governor_matrix where marker = %s", (marker,))
            return int(cursor.fetchone()[0])


class Redis(Real):
    """Every command that mentions the marker, from MONITOR."""

    name, variable, standard_port = "redis", "MATRIX_REDIS", 6379

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._control = socket.create_connection((host, port))
        self._monitor = socket.create_connection((host, port))
        self._monitor.sendall(b"MONITOR\r\n")
        self._reader = self._monitor.makefile("rb")
        self._reader.readline()
        self._fences = 0
        self._reached: Dict[bytes, threading.Event] = {}
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        for line in self._reader:
            if b'"governor-fence-' in line:
                fence = line.split(b'"governor-fence-')[1].split(b'"')[0]
                self._reached[fence].set()
            else:
                self.arrived(line)

    def count(self, marker: str) -> int:
        self._fences += 1
        fence = str(self._fences).encode()
        event = self._reached[fence] = threading.Event()
        self._control.sendall(b"ECHO governor-fence-" + fence + b"\r\n")
        event.wait(5)
        return self.seen[marker]


class Rabbit(Real):
    """Messages in the matrix's queue, taken as they come."""

    name, variable, standard_port = "rabbitmq", "MATRIX_RABBITMQ", 5672
    queue = "governor-matrix"

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        import pika

        self._connection = pika.BlockingConnection(pika.ConnectionParameters(host, port, heartbeat=0))
        self._channel = self._connection.channel()
        self._channel.queue_declare(self.queue, durable=True)
        self._channel.queue_purge(self.queue)

    def address(self) -> Target:
        url = f"amqp://guest:guest@{self.host}:{self.port}/"
        return {**super().address(), "queue": self.queue, "amqp": url}

    def count(self, marker: str) -> int:
        quiet = 0
        while quiet < 2:
            frame, properties, body = self._channel.basic_get(self.queue, auto_ack=True)
            if frame is None:
                quiet += 1
                time.sleep(0.003)
                continue
            quiet = 0
            self.arrived(body + repr(properties).encode())
        return self.seen[marker]


class Mosquitto(Real):
    """Messages published under `governor-matrix/`, from a subscription of our own."""

    name, variable, standard_port = "mosquitto", "MATRIX_MQTT", 1883

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        import paho.mqtt.client as mqtt

        subscribed = threading.Event()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda client, data, message: self.arrived(message.topic.encode() + b" " + message.payload)
        self._client.on_subscribe = lambda *arguments: subscribed.set()
        self._client.connect(host, port)
        self._client.subscribe("governor-matrix/#", qos=1)
        self._client.loop_start()
        subscribed.wait(5)

    def count(self, marker: str) -> int:
        time.sleep(0.01)
        return self.seen[marker]


class Nats(Real):
    """Messages on `governor.matrix.>`, from a subscription spoken by hand."""

    name, variable, standard_port = "nats", "MATRIX_NATS", 4222

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._socket = socket.create_connection((host, port))
        self._reader = self._socket.makefile("rb")
        self._reader.readline()
        self._pongs = 0
        self._socket.sendall(b'CONNECT {"verbose":false,"headers":true}\r\nSUB governor.matrix.> 1\r\nPING\r\n')
        threading.Thread(target=self._watch, daemon=True).start()
        self._fence(1)

    def _watch(self) -> None:
        for line in self._reader:
            if line.startswith(b"PING"):
                self._socket.sendall(b"PONG\r\n")
            elif line.startswith(b"PONG"):
                self._pongs += 1
            elif line.startswith((b"MSG", b"HMSG")):
                self.arrived(line + self._reader.read(int(line.split()[-1]) + 2))

    def _fence(self, pongs: int) -> None:
        until = time.monotonic() + 5
        while self._pongs < pongs and time.monotonic() < until:
            time.sleep(0.001)

    def count(self, marker: str) -> int:
        pongs = self._pongs + 1
        self._socket.sendall(b"PING\r\n")
        self._fence(pongs)
        return self.seen[marker]


REAL = {kind.name: kind for kind in (Postgres, Mariadb, Redis, Rabbit, Mosquitto, Nats)}
