"""celery: every way to send a task, over the real broker, and a task that runs in place."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way

REQUIRES = ("celery", "kombu")
SERVER = "rabbitmq"
GEVENT = True
_bound: Dict[str, Any] = {}


def _app(target: Any) -> Any:
    from celery import Celery

    app = Celery("matrix", broker=target.amqp, set_as_current=False)
    app.conf.update(task_default_queue=target.queue, broker_pool_limit=1, task_publish_retry=False)

    @app.task(name="matrix.work", shared=False)  # type: ignore[untyped-decorator]
    def work(marker: str) -> str:
        return marker

    return app


def prepare(target: Any) -> None:
    app = _app(target)
    _bound["task"] = app.tasks["matrix.work"]
    _bound["delay"] = _bound["task"].delay


@way("delay", carriers=True, faults=True)
def delay(target: Any) -> Any:
    return type(_app(target).tasks["matrix.work"].delay(target.marker)).__name__


@way("apply_async")
def apply_async(target: Any) -> Any:
    return type(_app(target).tasks["matrix.work"].apply_async((target.marker,))).__name__


@way("send_task")
def send_task(target: Any) -> Any:
    return type(_app(target).send_task("matrix.work", (target.marker,))).__name__


@way("signature")
def signature(target: Any) -> Any:
    return type(_app(target).tasks["matrix.work"].s(target.marker).apply_async()).__name__


@way("signature-by-name")
def signature_by_name(target: Any) -> Any:
    return type(_app(target).signature("matrix.work", (target.marker,)).delay()).__name__


@way("group", effects=2, decisions=2)
def group(target: Any) -> Any:
    from celery import group as together

    task = _app(target).tasks["matrix.work"]
    return type(together(task.s(target.marker), task.s(target.marker + "b")).apply_async()).__name__


@way("chain", decisions=None)
def chain(target: Any) -> Any:
    task = _app(target).tasks["matrix.work"]
    return type((task.s(target.marker) | task.s()).apply_async()).__name__


@way("bound-delay")
def bound_delay(target: Any) -> Any:
    return type(_bound["delay"](target.marker)).__name__


@way("bound-task")
def bound_task(target: Any) -> Any:
    return type(_bound["task"].apply_async((target.marker,))).__name__


@way("amqp-producer")
def amqp_producer(target: Any) -> Any:
    app = _app(target)
    with app.producer_or_acquire() as producer:
        message = app.amqp.as_task_v2("id-" + target.marker, "matrix.work", (target.marker,))
        app.amqp.send_task_message(producer, "matrix.work", message)
