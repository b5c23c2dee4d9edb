"""The agent: asks the model what to do next, runs the tool, tells the model what came of it."""

import json
import sys

import model
import tools

TOOLS = {
    "refund": tools.refund,
    "record": tools.record,
    "receipt": tools.receipt,
    "notify": tools.notify,
}


def run(complaint, max_turns=8):
    messages = [{"role": "user", "content": complaint}]
    failures = 0
    while len(messages) < 2 * max_turns:
        step = model.next_step(messages)
        if step["tool"] is None:
            print(step["say"])
            break
        try:
            result = TOOLS[step["tool"]](**step["arguments"])
        except RuntimeError as error:
            failures += 1
            result = {"error": error.to_dict() if hasattr(error, "to_dict") else str(error)}
        print(f"{step['tool']}: {json.dumps(result)}")
        messages.append({"role": "assistant", "content": step})
        messages.append({"role": "tool", "content": result})
    return failures


if __name__ == "__main__":
    sys.exit(1 if run(" ".join(sys.argv[1:]) or "order 1001 arrived broken") else 0)
