// The official MCP client lists the product's tools and lives a little with them.
// MCP_URL (with /mcp), AUTH_URL, AUTH_EMAIL, AUTH_PASSWORD
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { log_in, personal_space } from "./login.mjs";
import { assert, check, setting } from "./report.mjs";

const url = new URL(setting("MCP_URL"));
const login = await log_in();
const space = await personal_space(login);

function transport(headers) {
    return new StreamableHTTPClientTransport(url, { requestInit: { headers } });
}
const credentials = { Authorization: `Bearer ${login.accessToken}`, "X-Mana-Space": space.id };
const client = new Client({ name: "persona-runner-interop", version: "1.0.0" });

const text_of = (result) => result.content.map((part) => part.text ?? "").join("");
const call = (name, args = {}) => client.callTool({ name, arguments: args });

await check("the handshake succeeds", async () => {
    await client.connect(transport(credentials));
    assert.ok(client.getServerVersion().name);
    assert.ok(client.getServerCapabilities().tools);
});

await check("tools are listed with schemas and hints", async () => {
    const tools = [];
    let cursor;
    do {
        const page = await client.listTools(cursor ? { cursor } : undefined);
        tools.push(...page.tools);
        cursor = page.nextCursor;
    } while (cursor);
    const names = tools.map((tool) => tool.name);
    for (const name of ["todo.create", "todo.list", "todo.complete", "notes.create", "notes.search",
        "journal.add", "mood.log", "habits.create", "spaces.list"]) {
        assert.ok(names.includes(name), `${name} is missing`);
    }
    for (const tool of tools) {
        assert.equal(tool.inputSchema.type, "object", tool.name);
        assert.ok(tool.description, tool.name);
    }
    assert.equal(tools.find((tool) => tool.name === "todo.list").annotations?.readOnlyHint, true);
});

await check("what is created is listed, and gone once completed", async () => {
    const title = `Aus dem Zusammenspiel ${process.pid}`;
    const created = await call("todo.create", { title, priority: "high" });
    assert.ok(!created.isError, text_of(created));
    const { task } = JSON.parse(text_of(created));
    assert.equal(task.title, title);
    const titles = async () =>
        JSON.parse(text_of(await call("todo.list"))).tasks.map((one) => one.title);
    assert.ok((await titles()).includes(title));
    const done = await call("todo.complete", { id: task.id });
    assert.ok(!done.isError, text_of(done));
    assert.ok(!(await titles()).includes(title));
});

await check("wrong arguments are a result that the model can read", async () => {
    const result = await call("todo.create", { title: "x", priority: "riesig" });
    assert.equal(result.isError, true);
    assert.match(text_of(result), /priority/);
});

await check("a slow tool answers on a stream whose events are numbered", async () => {
    const feeds = await call("newsResearch.listFeeds");
    assert.ok(!feeds.isError, text_of(feeds));
    assert.equal(feeds.structuredContent.feeds.length, 1);
});

await check("the session ends when the client says so", async () => {
    await client.transport.terminateSession();
    await client.close();
});

await check("callers without token, without space or with a foreign space stay out", async () => {
    const { Authorization } = credentials;
    for (const headers of [
        { "X-Mana-Space": space.id },
        { Authorization },
        { Authorization, "X-Mana-Space": "00000000-0000-4000-8000-000000000000" },
    ]) {
        const stranger = new Client({ name: "stranger", version: "1.0.0" });
        await assert.rejects(stranger.connect(transport(headers)));
    }
});
