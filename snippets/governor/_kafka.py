"""What the three Kafka clients have in common: a record to a topic."""

from __future__ import annotations

from governor._call import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["record_call", "topics_call"]


def record_call(qualified_name: str, bootstrap: Any, topic: Any, *record: Any) -> Call:
    """The call that hands a record over; a background thread delivers it later, retries included."""
    servers = bootstrap if isinstance(bootstrap, str) else ",".join(str(one) for one in bootstrap or ())
    first = servers.partition(",")[0].rpartition("://")[2]
    return Call(qualified_name, "messaging", "send", ("topic", str(topic)), f"kafka://{first}/{topic}", "produce", record)


def topics_call(qualified_name: str, bootstrap: Any, topics: Any) -> Call:
    """Making or deleting topics, by whichever of the clients' types they are given."""
    names = ",".join(sorted(str(getattr(topic, "name", None) or getattr(topic, "topic", topic)) for topic in topics))
    action = "delete" if qualified_name.endswith("delete_topics") else "write"
    servers = bootstrap if isinstance(bootstrap, str) else ",".join(str(one) for one in bootstrap or ())
    destination = f"kafka://{servers.partition(',')[0].rpartition('://')[2]}/{names}"
    return Call(qualified_name, "messaging", action, ("topic", names), destination, qualified_name.rpartition(".")[2], names)
