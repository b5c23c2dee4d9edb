"""Drives the server with the official Python SDK 2.x in every era it knows. Usage: python2.py BINARY REPO"""

import asyncio
import os
import sys

from mcp import Client, StdioServerParameters


TOOLS = {
    "diagnose_denial", "plan_integration", "propose_patch", "read_doc", "scan_repo", "search_docs",
    "suggest_intent_mapping", "verify_integration",
}


async def check(binary: str, repo: str, mode: str) -> None:
    server = StdioServerParameters(command=binary, args=["serve", "--repo", repo])
    progress = []

    async def on_progress(done, total, message):
        progress.append((done, total, message))

    async with Client(server, mode=mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools.keys() == TOOLS, tools.keys()

        # The SDK checks structured_content against the output schema by itself.
        async def call(name, arguments, **more):
            answer = await client.call_tool(name, arguments, **more)
            assert not answer.is_error, answer.content[0].text
            assert answer.content[0].text, name
            return answer.structured_content

        found = await call("search_docs", {"query": "fail closed"})
        page = found["results"][0]["page"]
        assert (await call("read_doc", {"page": page}))["text"]
        scan = await call("scan_repo", {}, progress_callback=on_progress)
        assert scan["root"] == os.path.realpath(repo), scan["root"]
        assert [effect["category"] for effect in scan["effects"]] == ["http", "database"], scan["effects"]
        assert progress[-1][0] == progress[-1][1], progress
        plan = await call("plan_integration", {"mode": "enable"})
        assert any(step["id"] == "enable:app/main.py" for step in plan["steps"]), plan
        patch = await call("propose_patch", {"mode": "enable"})
        edit = next(edit for edit in patch["edits"] if edit["path"] == "app/main.py")
        source = open(os.path.join(repo, "app/main.py"), encoding="utf-8").read()
        assert edit["old"] and source.count(edit["old"]) == 1, edit
        compile(source.replace(edit["old"], edit["new"]), "main.py", "exec")
        linked = (await client.read_resource(patch["links"]["diff"])).contents[0].text
        assert linked == patch["diff"], linked
        one = await call("propose_patch", {"mode": "enable", "steps": ["enable:app/main.py"]})
        assert "app/main.py" in one["diff"] and "governor.toml" not in one["diff"], one["diff"]
        verified = await call("verify_integration", {})
        assert {finding["code"] for finding in verified["findings"]} >= {"ungoverned_entrypoint"}, verified
        await call("suggest_intent_mapping", {})
        told = await call("diagnose_denial", {"denial": "governor.PolicyUnavailable: the policy plane refused the connection"})
        assert told["cause"] and told["fixes"] is not None, told
        for name, arguments, code in [
            ("scan_repo", {"path": "nowhere"}, "path_not_found"),
            ("scan_repo", {"path": "../.."}, "path_outside_root"),
            ("scan_repo", {"categories": ["htp"]}, "unknown_category"),
            ("scan_repo", {"cursor": "x"}, "bad_cursor"),
            ("plan_integration", {"mode": "all"}, "unknown_mode"),
            ("propose_patch", {"steps": ["nope"]}, "unknown_step"),
            ("read_doc", {"page": "no/such"}, "unknown_page"),
            ("read_doc", {}, "missing_argument"),
        ]:
            answer = await client.call_tool(name, arguments)
            text = answer.content[0].text
            assert answer.is_error and text.startswith(f"error: {code}\n") and len(text) < 1000, text
        prompts = {prompt.name for prompt in (await client.list_prompts()).prompts}
        assert prompts == {"integrate", "diagnose_denial", "add_intent_scope"}, prompts
        prompt = await client.get_prompt("integrate", {"mode": "enable"})
        assert "scan_repo" in prompt.messages[0].content.text
        resources = (await client.list_resources()).resources
        assert any(str(r.uri).startswith("governor://docs/") for r in resources)
        client_file = (await client.read_resource("governor://client/__init__.py")).contents[0].text
        assert "enable" in client_file
        # Eight calls at once, on one connection.
        many = await asyncio.gather(*(client.call_tool("scan_repo", {}) for _ in range(8)))
        assert all(one.structured_content == scan for one in many)
    print(mode, "passed", len(tools), "tools")


if __name__ == "__main__":
    for era in ("auto", "legacy", "2026-07-28"):
        asyncio.run(check(sys.argv[1], sys.argv[2], era))
