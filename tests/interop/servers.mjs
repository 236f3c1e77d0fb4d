// Our MCP client against servers of others: both generations of the official SDK, and a public
// server that is nobody's relative of ours. MCP_DRIVER: the program that lists and calls all tools.
import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { McpServer as McpServer1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { EmptyResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer as McpServer2 } from "@modelcontextprotocol/server";
import { z } from "zod";
import { assert, check, setting } from "./report.mjs";

const driver = setting("MCP_DRIVER");

function drive(url, calls) {
    const env = { ...process.env };
    if (calls) env.MCP_CONFORMANCE_CONTEXT = JSON.stringify({ toolCalls: calls });
    return new Promise((resolve, reject) =>
        execFile(driver, [url], { env, timeout: 30_000 }, (error, out, err) =>
            error ? reject(new Error(`${error.message}\n${out}\n${err}`)) : resolve(out + err)));
}

async function listen(handler) {
    const server = createServer(handler);
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    return { server, url: `http://127.0.0.1:${server.address().port}/mcp` };
}

function add_tools(server) {
    const added = server.registerTool("add_numbers",
        { description: "Adds.", inputSchema: z.object({ a: z.number(), b: z.number() }) },
        async ({ a, b }) => ({ content: [{ type: "text", text: `sum ${a + b}` }] }));
    server.registerTool("always_fails", { description: "Fails." },
        async () => ({ content: [{ type: "text", text: "as it should" }], isError: true }));
    return added;
}

// Sessions, as a server of the first generation keeps them; `lost` forgets them all.
function first_generation(answers_json) {
    const sessions = new Map();
    const seen = [];
    const handler = async (request, response) => {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const body = chunks.length ? JSON.parse(Buffer.concat(chunks)) : undefined;
        seen.push(`${request.method} ${body?.method ?? ""}`);
        let transport = sessions.get(request.headers["mcp-session-id"]);
        if (!transport && body?.method !== "initialize") {
            const id = body?.id ?? null;
            response.writeHead(request.headers["mcp-session-id"] ? 404 : 400,
                { "content-type": "application/json" });
            response.end(JSON.stringify({ jsonrpc: "2.0", id,
                error: { code: -32000, message: "Bad Request: No valid session ID" } }));
            return;
        }
        if (!transport) {
            transport = new StreamableHTTPServerTransport({
                sessionIdGenerator: () => randomUUID(),
                enableJsonResponse: answers_json,
                onsessioninitialized: (id) => sessions.set(id, transport),
            });
            const server = new McpServer1({ name: "first", version: "1.0.0" });
            const added = add_tools(server);
            // The first answered ping shows that the client listens, the second that it has heard.
            server.registerTool("shrink", { description: "Takes add_numbers away." }, async () => {
                const ping = (timeout) => server.server.request({ method: "ping" },
                    EmptyResultSchema, { timeout });
                for (let i = 0; !(await ping(500).then(() => true, () => false)); i += 1) {
                    assert.ok(i < 20, "nobody listens");
                }
                added.remove();
                await ping(10_000);
                return { content: [{ type: "text", text: "shrunk" }] };
            });
            server.registerTool("forget_me", { description: "Loses the session." }, async () => {
                sessions.clear();
                return { content: [{ type: "text", text: "forgotten" }] };
            });
            await server.connect(transport);
        }
        await transport.handleRequest(request, response, body);
    };
    return { handler, seen };
}

for (const answers_json of [false, true]) {
    const way = answers_json ? "JSON" : "events";
    const { handler, seen } = first_generation(answers_json);
    const { server, url } = await listen(handler);
    await check(`first generation, ${way}: tools are called, errors told`, async () => {
        const out = await drive(url, [
            { name: "add_numbers", arguments: { a: 20, b: 22 } },
            { name: "always_fails", arguments: {} },
        ]);
        assert.match(out, /sum 42/);
        assert.match(out, /always_fails: as it should/);
        assert.ok(seen.some((one) => one.startsWith("DELETE")), "it says good-bye");
    });
    await check(`first generation, ${way}: a tool that is taken away meanwhile is known to be gone`,
        async () => {
            seen.length = 0;
            const out = await drive(url, [
                { name: "shrink", arguments: {} },
                { name: "add_numbers", arguments: { a: 1, b: 2 } },
            ]);
            assert.match(out, /shrunk/);
            assert.match(out, /add_numbers: .*not found/);
            assert.equal(seen.filter((one) => one === "POST tools/list").length, 2);
        });
    await check(`first generation, ${way}: a lost session is opened again`, async () => {
        seen.length = 0;
        const out = await drive(url, [
            { name: "forget_me", arguments: {} },
            { name: "add_numbers", arguments: { a: 1, b: 2 } },
        ]);
        assert.match(out, /sum 3/);
        assert.equal(seen.filter((one) => one === "POST initialize").length, 2);
    });
    server.close();
    server.closeAllConnections();
}

for (const legacy of ["stateless", "reject"]) {
    const seen = [];
    const answer = toNodeHandler(createMcpHandler(
        () => {
            const fresh = new McpServer2({ name: "second", version: "2.0.0" });
            add_tools(fresh);
            return fresh;
        }, { legacy }));
    const { server, url } = await listen((request, response) => {
        seen.push(request.headers["mcp-method"] ?? "none");
        return answer(request, response);
    });
    await check(`second generation, older revisions ${legacy}: spoken to without sessions`, async () => {
        const out = await drive(url, [
            { name: "add_numbers", arguments: { a: 20, b: 22 } },
            { name: "always_fails", arguments: {} },
        ]);
        assert.match(out, /sum 42/);
        assert.match(out, /as it should/);
        const listens = "subscriptions/listen";
        assert.deepEqual(seen.filter((one) => one !== listens),
            ["server/discover", "tools/list", "tools/call", "tools/call"]);
        assert.ok(seen.includes(listens), "it hears of changes");
    });
    server.close();
    server.closeAllConnections();
}

await check("a public server of others: everything is listed and its echo answers", async () => {
    const { server, url } = await listen(() => {});
    const port = new URL(url).port;
    await new Promise((done) => server.close(done));
    const child = spawn(process.execPath,
        ["node_modules/@modelcontextprotocol/server-everything/dist/index.js", "streamableHttp"],
        { env: { ...process.env, PORT: port }, stdio: ["ignore", "ignore", "pipe"] });
    try {
        let said = "";
        await new Promise((up, down) => {
            child.stderr.on("data", (chunk) => {
                said += chunk;
                if (said.includes("listening")) up();
            });
            child.on("exit", () => down(new Error(`it ended: ${said}`)));
        });
        const out = await drive(url, [{ name: "echo", arguments: { message: "Grüezi" } },
            { name: "get-sum", arguments: { a: 2, b: 3 } }]);
        assert.match(out, /Echo: Grüezi/);
        assert.match(out, /sum of 2 and 3 is 5/);
    } finally {
        child.kill();
    }
});
process.exit(0);
