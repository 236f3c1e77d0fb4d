// The official SDK's server with the tool of our conformance server, for comparing: prints its URL
// and serves until its input ends.
import { createServer } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";

const handler = toNodeHandler(createMcpHandler(() => {
    const server = new McpServer({ name: "bench", version: "1.0.0" });
    server.registerTool("test_simple_text", { description: "Answers one sentence." }, async () => ({
        content: [{ type: "text", text: "This is a simple text response for testing." }],
    }));
    return server;
}));
const server = createServer(handler);
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/mcp`));
process.stdin.on("end", () => process.exit(0)).resume();
