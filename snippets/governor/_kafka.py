"""What the three Kafka clients have in common: a record to a topic."""

from __future__ import annotations

from governor._call import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ADMINISTERS", "admin_call", "administration", "record_call"]


def record_call(qualified_name: str, bootstrap: Any, topic: Any, *record: Any) -> Call:
    """The call that hands a record over; a background thread delivers it later, retries included."""
    servers = bootstrap if isinstance(bootstrap, str) else ",".join(str(one) for one in bootstrap or ())
    first = servers.partition(",")[0].rpartition("://")[2]
    return Call(qualified_name, "messaging", "send", ("topic", str(topic)), f"kafka://{first}/{topic}", "produce", record)


# What the clients' administration changes; each client has some of them.
ADMINISTERS = (
    "abort_transaction", "alter_configs", "alter_consumer_group_offsets", "alter_group_offsets", "alter_partition_reassignments",
    "alter_replica_log_dirs", "alter_user_scram_credentials", "create_acls", "create_partitions", "create_topics", "delete_acls",
    "delete_consumer_groups", "delete_group_offsets", "delete_groups", "delete_records", "delete_topics", "elect_leaders",
    "incremental_alter_configs", "remove_group_members", "reset_configs", "reset_group_offsets", "update_features",
)  # fmt: skip


def administration(owner: Any) -> list[str]:
    return [name for name in ADMINISTERS if hasattr(owner, name)]


def admin_call(qualified_name: str, bootstrap: Any, args: Any, kwargs: Any) -> Call:
    """Changing topics, records, groups or rights, by whichever of the clients' types they are given."""
    method = qualified_name.rpartition(".")[2]
    given = args[0] if args else next(iter(kwargs.values()), ())
    given = given if isinstance(given, (list, tuple, set, dict)) else (given,)
    names = ",".join(sorted({str(getattr(one, "name", None) or getattr(one, "topic", None) or one) for one in given})) if given else "cluster"
    action = "delete" if method.startswith(("delete", "remove")) else "write"
    servers = bootstrap if isinstance(bootstrap, str) else ",".join(str(one) for one in bootstrap or ())
    kind = "topic" if method.endswith(("_topics", "_partitions", "_records")) else "cluster"
    destination = f"kafka://{servers.partition(',')[0].rpartition('://')[2]}/{names if kind == 'topic' else ''}"
    return Call(qualified_name, "messaging", action, (kind, names), destination, method, (args, sorted(kwargs.items(), key=lambda item: item[0])))
