"""An HTTP server that answers as S3, SQS and DynamoDB do, as far as these calls look."""

from __future__ import annotations

from typing import Dict

from ..servers import HttpServer

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1"}


class Server(HttpServer):
    def content(self, method: str, path: str, headers: Dict[str, str], body: bytes) -> tuple[int, str, str, bytes]:
        if "x-amz-target" in headers:
            if headers["x-amz-target"].startswith("AmazonSQS"):
                return 200, "application/x-amz-json-1.0", "", b'{"MessageId": "m"}'
            return 200, "application/x-amz-json-1.0", "", b"{}"
        if method == "GET" and "list-type" in path:
            listing = b"<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"
            return 200, "application/xml", "", listing
        return 200, "application/octet-stream", 'ETag: "e"\r\n', b"" if method != "GET" else b"body"
