"""litellm: completion and its twins, through whichever HTTP client it takes."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way
from ._llm import Server as Server

REQUIRES = ("litellm",)
ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def _arguments(target: Any) -> Dict[str, Any]:
    return {
        "model": "openai/m", "api_key": "k", "api_base": target.url + "/v1",
        "messages": [{"role": "user", "content": target.marker}],
    }  # fmt: skip


@way("completion", carriers=("thread", "fork"), faults=True)
def completion(target: Any) -> Any:
    import litellm

    return litellm.completion(**_arguments(target)).choices[0].message.content


@way("completion-streamed")
def completion_streamed(target: Any) -> Any:
    import litellm

    return [chunk.choices[0].delta.content for chunk in litellm.completion(stream=True, **_arguments(target))][0]


@way("embedding")
def embedding(target: Any) -> Any:
    import litellm

    return litellm.embedding(model="openai/m", input=[target.marker], api_key="k", api_base=target.url + "/v1").data[0]["embedding"]


@way("acompletion")
async def acompletion(target: Any) -> Any:
    import litellm

    return (await litellm.acompletion(**_arguments(target))).choices[0].message.content
