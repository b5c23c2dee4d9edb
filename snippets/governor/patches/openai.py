"""openai: `SyncAPIClient.request` and its async twin are below every resource, streams and raw responses included.

They sit above the HTTP client, whichever it is in this version, and above its retries. Realtime sessions are
websockets.
"""

from __future__ import annotations

from governor._llm import install_stainless

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from governor._patcher import Patcher

LIBRARY = "openai"
MODULES = ("openai._base_client",)
FAMILY = "llm"


def install(module: ModuleType, patcher: Patcher) -> None:
    install_stainless(module, patcher, "openai")
