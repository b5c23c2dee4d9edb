"""litellm: the package's functions, above whichever SDK or HTTP client it takes for a provider.

A name that was captured before (`from litellm import completion`) goes past this seam and is asked for at the one below, where
litellm turns the denial into an error of its own, with the denial as its cause.
"""

from __future__ import annotations

from governor._call import Call, host_of
from governor._gate import governed_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "litellm"
MODULES = ("litellm",)
FAMILY = "llm"

_FUNCTIONS = "completion text_completion embedding responses image_generation transcription speech rerank moderation".split()
_HOSTS = {
    "anthropic": "api.anthropic.com", "azure": "openai.azure.com", "bedrock": "amazonaws.com", "cohere": "api.cohere.com",
    "deepseek": "api.deepseek.com", "gemini": "generativelanguage.googleapis.com", "groq": "api.groq.com", "huggingface": "huggingface.co",
    "mistral": "api.mistral.ai", "ollama": "localhost", "openai": "api.openai.com", "openrouter": "openrouter.ai",
    "together_ai": "api.together.xyz", "vertex_ai": "googleapis.com",
}  # fmt: skip


def install(module: ModuleType, patcher: Patcher) -> None:
    for name in _FUNCTIONS:
        if name in vars(module):
            patcher.wrap(module, name, _run, asynchronous=False)
        if "a" + name in vars(module):
            patcher.wrap(module, "a" + name, _run_async, asynchronous=True)


def _call_of(name: str, args: Any, kwargs: Any) -> Call:
    model = str(args[0] if args and isinstance(args[0], str) else kwargs.get("model", ""))
    provider, separator, rest = model.partition("/")
    base = str(kwargs.get("api_base") or kwargs.get("base_url") or "")
    host = host_of(base) or _HOSTS.get(provider if separator else "openai", "")
    given = (args, {key: value for key, value in kwargs.items() if key not in ("api_key", "headers", "extra_headers")})
    resource = ("llm", rest if separator else model)
    return Call(
        f"litellm.{name}", "llm", "execute", resource, base or f"https://{host}/", name, given, carries=("http",), hosts=(host,) if host else ()
    )


def _run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    with governed_call(_call_of(wrapped.__name__, args, kwargs)):
        return wrapped(*args, **kwargs)


async def _run_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    async with governed_call(_call_of(wrapped.__name__, args, kwargs)):
        return await wrapped(*args, **kwargs)
