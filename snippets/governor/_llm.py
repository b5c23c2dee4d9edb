"""What calls to model providers have in common: the model is the resource, what generates is `execute`."""

from __future__ import annotations

from governor._call import Call
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["install_stainless", "llm_call"]

_GENERATES = (
    "completions", "responses", "embeddings", "messages", "count_tokens", "generations", "edits", "speech", "transcriptions", "translations",
    "moderations", "rerank", "complete",
)  # fmt: skip


def llm_call(qualified_name: str, method: str, url: str, body: Any, model: str = "", *, hosts: tuple[str, ...] = ()) -> Call:
    """One request to a provider; the HTTP request below it, to the same host, belongs to it."""
    method = method.upper()
    path = url.partition("?")[0].rstrip("/")
    last = path.rpartition("/")[2]
    if method in ("GET", "HEAD"):
        action = "read"
    elif method == "DELETE":
        action = "delete"
    else:
        action = "execute" if last in _GENERATES or ":" in last or last.endswith("_tokens") else "write"
    if not model and isinstance(body, dict):
        model = str(body.get("model") or "")
    return Call(qualified_name, "llm", action, ("llm", model or last), url, method, body, carries=("http",), hosts=hosts)


def install_stainless(module: Any, patcher: Any, library: str) -> None:
    """The SDKs that share a generated base: each request of every resource goes through `request`, retries inside."""

    def call_of(client: Any, args: Any, kwargs: Any) -> Call:
        options = args[1] if len(args) > 1 else kwargs.get("options")
        url = str(client._prepare_url(getattr(options, "url", "")))
        body = getattr(options, "json_data", None)
        if getattr(options, "files", None):
            body = (body, options.files)
        return llm_call(f"{library}.{type(client).__name__}.request", str(getattr(options, "method", "post")), url, body)

    def request(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        with governed_call(call_of(instance, args, kwargs)):
            return wrapped(*args, **kwargs)

    async def request_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        async with governed_call(call_of(instance, args, kwargs)):
            return await wrapped(*args, **kwargs)

    patcher.wrap(module.SyncAPIClient, "request", request)
    patcher.wrap(module.AsyncAPIClient, "request", request_async, asynchronous=True)
