"""elasticsearch: index, search, bulk helper, sync and async, over its own transport."""

from __future__ import annotations

from typing import Any, Dict

from ..way import way
from ._search import Server as Server

GEVENT = True
REQUIRES = ("elasticsearch",)
_bound: Dict[str, Any] = {}


def prepare(target: Any) -> None:
    _bound["client"] = _client(target)


def _client(target: Any) -> Any:
    import elasticsearch

    return elasticsearch.Elasticsearch(target.url)


@way("index", carriers=True, faults=True)
def index(target: Any) -> Any:
    return _client(target).index(index="matrix", document={"marker": target.marker})["result"]


@way("search")
def search(target: Any) -> Any:
    return _client(target).search(index="matrix", query={"term": {"marker": target.marker}})["hits"]["hits"]


@way("bulk-helper")
def bulk(target: Any) -> Any:
    from elasticsearch.helpers import bulk as send

    return list(send(_client(target), [{"_index": "matrix", "marker": target.marker}]))


@way("perform_request")
def perform_request(target: Any) -> Any:
    return _client(target).perform_request("DELETE", f"/matrix/_doc/{target.marker}", headers={"accept": "application/json"})["result"]


@way("bound-client")
def bound_client(target: Any) -> Any:
    return _bound["client"].index(index="matrix", document={"marker": target.marker})["result"]


@way("async-index", faults=True)
async def async_index(target: Any) -> Any:
    import elasticsearch

    async with elasticsearch.AsyncElasticsearch(target.url) as client:
        return (await client.index(index="matrix", document={"marker": target.marker}))["result"]
