"""azure-storage-blob: the pipeline of azure-core, sync and async."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("azure.storage.blob", "azure.core")


def _client(target: Any) -> Any:
    from azure.storage.blob import BlobClient

    return BlobClient(target.url + "/account", "matrix", target.marker, credential=None, retry_total=1)


@way("upload_blob", carriers=("thread", "pool", "to_thread", "fork"), faults=True)
def upload(target: Any) -> Any:
    return sorted(_client(target).upload_blob(b"x"))[:1]


@way("delete_blob")
def delete(target: Any) -> Any:
    return _client(target).delete_blob()


@way("async-upload_blob")
async def async_upload(target: Any) -> Any:
    from azure.storage.blob.aio import BlobClient

    async with BlobClient(target.url + "/account", "matrix", target.marker, credential=None, retry_total=1) as client:
        return sorted(await client.upload_blob(b"x"))[:1]
