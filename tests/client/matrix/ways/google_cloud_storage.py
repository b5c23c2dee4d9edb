"""google-cloud-storage: JSON calls and media uploads, through requests."""

from __future__ import annotations

from typing import Any

from ..way import way

REQUIRES = ("google.cloud.storage",)


def _bucket(target: Any) -> Any:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    client = storage.Client("matrix", credentials=AnonymousCredentials(), client_options={"api_endpoint": target.url})
    return client.bucket("matrix")


@way("upload_from_string", carriers=("thread", "pool", "to_thread", "fork"), faults=True, decisions=None)
def upload(target: Any) -> Any:
    return _bucket(target).blob(target.marker).upload_from_string("x", checksum=None)


@way("delete", decisions=None)
def delete(target: Any) -> Any:
    return _bucket(target).blob(target.marker).delete()


@way("list_blobs", decisions=None)
def list_blobs(target: Any) -> Any:
    return list(_bucket(target).list_blobs(prefix=target.marker))
