"""An agent that looks orders up: a plain loop, tools by name."""

import json
import os
import sys

import openai
import requests

client = openai.OpenAI(max_retries=3)
TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]


def look_up(order):
    return requests.get(os.environ["OUTSIDE"] + f"/orders/{order}", timeout=5).text


def run(question):
    messages = [{"role": "user", "content": question}]
    while True:
        answer = client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=TOOLS)
        message = answer.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content
        for call in message.tool_calls:
            result = look_up(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


if __name__ == "__main__":
    print(run(sys.argv[1]))
