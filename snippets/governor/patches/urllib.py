"""urllib.request: `OpenerDirector.open` is below `urlopen`, `urlretrieve` and openers of one's own, once for each redirect hop.

Only http and https are asked here; `ftp:` and `file:` URLs end in ftplib and `open`.
"""

from __future__ import annotations

from governor._gate import governed_call
from governor._http import deciding_fields, http_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from governor._patcher import Patcher

LIBRARY = "urllib.request"
MODULES = ("urllib.request",)
FAMILY = "http"


def install(module: ModuleType, patcher: Patcher) -> None:
    patcher.wrap(module.OpenerDirector, "open", _open)


def _open(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    target = args[0] if args else kwargs.get("fullurl")
    data = args[1] if len(args) > 1 else kwargs.get("data")
    if isinstance(target, str):
        url, method = target, "GET" if data is None else "POST"
    else:
        url = getattr(target, "full_url", "")
        data = data if data is not None else getattr(target, "data", None)
        method = getattr(target, "method", None) or ("GET" if data is None else "POST")
    if not str(url).lower().startswith(("http:", "https:")):
        return wrapped(*args, **kwargs)
    headers = {**getattr(target, "unredirected_hdrs", {}), **getattr(target, "headers", {})}
    with governed_call(http_call("urllib.request.urlopen", method, url, data, deciding_fields(headers, url))):
        return wrapped(*args, **kwargs)
