"""rq: every way to enqueue goes through one of these methods of `Queue`; the job's Redis commands belong to it.

A queue with `is_async=False` runs the job in place, so nothing that it does is part of the call.
"""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call
from governor.patches.redis import server_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "rq"
MODULES = ("rq.queue",)
FAMILY = "messaging"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.Queue, "enqueue_call", _enqueue_call)
    patcher.wrap(module.Queue, "enqueue_many", _enqueue_many)
    for name in ("enqueue_job", "_enqueue_job", "schedule_job"):
        patcher.wrap(module.Queue, name, _enqueue_job)


def _enqueue_call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    function = args[0] if args else kwargs.get("func")
    with governed_call(_call_of(instance, [_name(function)], (args[1:], {key: kwargs[key] for key in ("args", "kwargs") if key in kwargs}))):
        return wrapped(*args, **kwargs)


def _enqueue_many(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    jobs = list(args[0] if args else kwargs.get("job_datas", ()))
    if args:
        args = (jobs, *args[1:])
    else:
        kwargs = {**kwargs, "job_datas": jobs}
    with governed_call(_call_of(instance, [_name(job.func) for job in jobs], [(job.args, job.kwargs) for job in jobs])):
        return wrapped(*args, **kwargs)


def _enqueue_job(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    job = args[0] if args else kwargs.get("job")
    when = args[1] if len(args) > 1 and wrapped.__name__ == "schedule_job" else kwargs.get("datetime")
    arguments = (getattr(job, "args", None), getattr(job, "kwargs", None), when)
    with governed_call(_call_of(instance, [str(getattr(job, "func_name", ""))], arguments)):
        return wrapped(*args, **kwargs)


def _name(function: Any) -> str:
    return function if isinstance(function, str) else f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', function)}"


def _call_of(queue: Any, names: list[str], arguments: Any) -> Call:
    destination = f"{server_of(queue.connection)}?queue={queue.name}"
    carries = ("database",) if getattr(queue, "_is_async", True) else ()
    resource = ("task", ",".join(dict.fromkeys(names)))
    return Call("rq.Queue.enqueue", "messaging", "send", resource, destination, "enqueue", (names, arguments), carries=carries)
