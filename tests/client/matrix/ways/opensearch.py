"""opensearch-py: index, search, bulk helper, sync and async."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way
from ._search import Server as Server

GEVENT = True
REQUIRES = ("opensearchpy",)
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    _bound["client"] = _client(target)


def _client(target: Any) -> Any:
    import opensearchpy

    return opensearchpy.OpenSearch(target.url)


@way("index", carriers=True, faults=True)
def index(target: Any) -> Any:
    return _client(target).index(index="matrix", body={"marker": target.marker})["result"]


@way("search")
def search(target: Any) -> Any:
    return _client(target).search(index="matrix", body={"query": {"term": {"marker": target.marker}}})["hits"]["hits"]


@way("bulk-helper")
def bulk(target: Any) -> Any:
    from opensearchpy.helpers import bulk as send

    return list(send(_client(target), [{"_index": "matrix", "marker": target.marker}]))


@way("bound-client")
def bound_client(target: Any) -> Any:
    return _bound["client"].index(index="matrix", body={"marker": target.marker})["result"]


@way("async-index", faults=True)
async def async_index(target: Any) -> Any:
    from opensearchpy import AsyncOpenSearch

    async with AsyncOpenSearch(target.url) as client:
        return (await client.index(index="matrix", body={"marker": target.marker}))["result"]
