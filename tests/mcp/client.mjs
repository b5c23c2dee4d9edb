// Drives the server with both TypeScript SDKs and the inspector. Usage: client.mjs BINARY REPO
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { Client as Client2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as Transport2 } from "@modelcontextprotocol/client/stdio";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as Transport1 } from "@modelcontextprotocol/sdk/client/stdio.js";

const [binary, repo] = process.argv.slice(2);
const server = { command: binary, args: ["serve", "--repo", repo] };
const info = { name: "governor-test", version: "1" };

async function check(label, client, transport) {
  await client.connect(transport);
  const { tools } = await client.listTools();
  assert(tools.length === 8 && tools.every((tool) => tool.outputSchema && tool.annotations.readOnlyHint));
  // Both SDKs check structuredContent against outputSchema by themselves.
  const found = await client.callTool({ name: "search_docs", arguments: { query: "fail closed" } });
  assert(found.structuredContent.results.length > 0);
  const read = await client.callTool({ name: "read_doc", arguments: { page: "guides/celery" } });
  assert(read.structuredContent.text.length > 0);
  for (const name of ["scan_repo", "plan_integration", "propose_patch", "verify_integration", "suggest_intent_mapping"]) {
    const answer = await client.callTool({ name, arguments: {} });
    assert(!answer.isError && answer.structuredContent.root, JSON.stringify(answer));
  }
  const refused = await client.callTool({ name: "scan_repo", arguments: { categories: ["htp"] } });
  assert(refused.isError && refused.content[0].text.includes("unknown_category"));
  assert.equal((await client.listPrompts()).prompts.length, 3);
  const { resources } = await client.listResources();
  assert((await client.readResource({ uri: resources[0].uri })).contents[0].text);
  await client.close();
  console.log(label, "passed", tools.length, "tools");
}

await check("sdk 1", new Client1(info), new Transport1(server));
await check("client 2, default", new Client2(info), new Transport2(server));
await check("client 2, auto", new Client2(info, { versionNegotiation: { mode: "auto" } }), new Transport2(server));

for (const era of ["legacy", "auto", "modern"]) {
  const inspector = "node_modules/.bin/mcp-inspector";
  const inspect = (...rest) =>
    spawnSync(process.execPath, [inspector, "--cli", "--protocol-era", era, binary, "serve", "--repo", repo, ...rest], {
      encoding: "utf8",
    });
  const listed = inspect("--method", "tools/list", "--strict");
  assert.equal(listed.status, 0, listed.stdout + listed.stderr);
  const called = inspect("--method", "tools/call", "--tool-name", "search_docs", "--tool-arg", "query=celery");
  assert.equal(called.status, 0, called.stdout + called.stderr);
  const scanned = inspect("--method", "tools/call", "--tool-name", "scan_repo");
  assert.equal(scanned.status, 0, scanned.stdout + scanned.stderr);
  console.log("inspector", era, "passed");
}
