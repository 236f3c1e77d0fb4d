// The official MCP client of the next generation, in each way it can be told to begin.
// MCP_URL (with /mcp), AUTH_URL, AUTH_EMAIL, AUTH_PASSWORD
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { log_in, personal_space } from "./login.mjs";
import { assert, check, setting } from "./report.mjs";

const url = new URL(setting("MCP_URL"));
const login = await log_in();
const space = await personal_space(login);
const headers = { Authorization: `Bearer ${login.accessToken}`, "X-Mana-Space": space.id };
const text_of = (result) => result.content.map((part) => part.text ?? "").join("");

const ways = {
    legacy: "2025-11-25",
    auto: "2026-07-28",
    pinned: "2026-07-28",
};
for (const [way, revision] of Object.entries(ways)) {
    const mode = way === "pinned" ? { pin: revision } : way;
    const client = new Client(
        { name: "persona-runner-interop", version: "2.0.0" },
        { versionNegotiation: { mode } },
    );
    const call = (name, args = {}) => client.callTool({ name, arguments: args });

    await check(`${way}: the client and we agree on ${revision}`, async () => {
        await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
        assert.equal(client.getNegotiatedProtocolVersion(), revision);
    });
    await check(`${way}: tools are listed, called and keep their schemas`, async () => {
        const { tools } = await client.listTools();
        assert.ok(tools.length >= 30);
        const title = `Zusammenspiel ${way} ${process.pid}`;
        const created = await call("todo.create", { title });
        assert.ok(!created.isError, text_of(created));
        assert.equal(created.structuredContent.task.title, title);
        const listed = await call("todo.list");
        assert.ok(listed.structuredContent.tasks.some((task) => task.title === title));
        await call("todo.complete", { id: created.structuredContent.task.id });
    });
    await check(`${way}: refused arguments and unknown tools are told apart`, async () => {
        const refused = await call("todo.create", { title: "x", priority: "riesig" });
        assert.equal(refused.isError, true);
        assert.match(text_of(refused), /priority/);
        await assert.rejects(call("todo.crate"), /Unknown tool/);
    });
    await client.close();
}
