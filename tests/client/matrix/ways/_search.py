"""An HTTP server that Elasticsearch's and OpenSearch's clients take for theirs."""

from __future__ import annotations

import json
from typing import Dict

from ..servers import HttpServer


class Server(HttpServer):
    def content(self, method: str, path: str, headers: Dict[str, str], body: bytes) -> tuple[int, str, str, bytes]:
        kind = "application/vnd.elasticsearch+json;compatible-with=9" if "elastic" in headers.get("accept", "") else "application/json"
        document = {"result": "created", "_id": "1", "items": [], "errors": False, "took": 1, "hits": {"hits": []}}
        return 200, kind, "X-Elastic-Product: Elasticsearch\r\n", json.dumps(document).encode()
