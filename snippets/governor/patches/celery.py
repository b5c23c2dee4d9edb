"""celery: `Task.apply_async` and `Celery.send_task` are where delay, signatures, groups, chains and chords end.

They sit above kombu, which then passes, and above the result backend's subscription. The signal `before_task_publish`
cannot deny: its receivers' exceptions are only logged. An eager task runs in place, so nothing that it does is part of
the call.
"""

from __future__ import annotations

from governor._call import Call, host_of
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "celery"
MODULES = ("celery.app.task", "celery.app.base")
FAMILY = "messaging"
NOT_INTERCEPTED = ("celery.app.task.Task.apply",)


def install(module: ModuleType, patcher: Patcher) -> None:
    if module.__name__ == "celery.app.task":
        patcher.wrap(module.Task, "apply_async", _apply_async)
    else:
        patcher.wrap(module.Celery, "send_task", _send_task)


def _apply_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    arguments = (args[0] if args else kwargs.get("args"), args[1] if len(args) > 1 else kwargs.get("kwargs"))
    with governed_call(_call_of("celery.app.task.Task.apply_async", instance._get_app(), str(instance.name), arguments, kwargs)):
        return wrapped(*args, **kwargs)


def _send_task(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    name = args[0] if args else kwargs.get("name", "")
    arguments = (args[1] if len(args) > 1 else kwargs.get("args"), args[2] if len(args) > 2 else kwargs.get("kwargs"))
    with governed_call(_call_of("celery.Celery.send_task", instance, str(name), arguments, kwargs)):
        return wrapped(*args, **kwargs)


def _call_of(qualified_name: str, app: Any, name: str, arguments: Any, options: Any) -> Call:
    url, hosts = _broker(app, options)
    eager = bool(app.conf.task_always_eager)
    carries = () if eager else ("database", "cloud", "http")
    destination = f"celery:///{name}" if eager else url
    given = (name, arguments, options.get("queue"), options.get("countdown"))
    return Call(qualified_name, "messaging", "send", ("task", name), destination, "apply_async", given, carries=carries, hosts=hosts)


def _broker(app: Any, options: Any) -> tuple[str, tuple[str, ...]]:
    """The broker's URL as kombu will say it, and the hosts which belong to sending a task."""
    from governor.patches.kombu import broker_hosts, broker_url

    given = getattr(options.get("producer"), "connection", None) or options.get("connection")
    if given is not None:
        url = broker_url(given)
    else:
        configured = (app.conf.broker_write_url, app.conf.broker_url)
        known = app.__dict__.get("_governor_broker")
        if known is None or known[0] != configured:
            known = (configured, broker_url(app.connection_for_write()))
            app.__dict__["_governor_broker"] = known
        url = known[1]
    backend = host_of(str(app.conf.result_backend or ""))
    return url, broker_hosts(url) + ((backend,) if backend else ())
