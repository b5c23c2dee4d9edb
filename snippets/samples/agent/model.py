"""A model without a network: it plans the same four steps for every complaint."""

import re


def next_step(messages):
    order = int(re.search(r"\d+", messages[0]["content"]).group())
    done = [message["content"]["tool"] for message in messages if message["role"] == "assistant"]
    plan = [
        ("refund", {"order": order, "amount": 1950}),
        ("record", {"order": order, "amount": 1950}),
        ("receipt", {"order": order}),
        ("notify", {"order": order, "recipient": "ada@example.com"}),
    ]
    for tool, arguments in plan:
        if tool not in done:
            return {"tool": tool, "arguments": arguments}
    return {"tool": None, "say": f"order {order}: done"}
