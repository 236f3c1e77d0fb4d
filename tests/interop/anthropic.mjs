// The official Anthropic SDK against the simulator: it must notice no difference.
// SIM_URL: the simulator, e.g. http://127.0.0.1:3999
import Anthropic from "@anthropic-ai/sdk";
import { assert, check, setting } from "./report.mjs";

const client = new Anthropic({ baseURL: setting("SIM_URL"), apiKey: "sk-sim-interop", maxRetries: 0 });
const model = "claude-sonnet-5-5";
const system = "Du bist Maya, Praktikantin, und benutzt die App zum ersten Mal. todo 0.6, journal 0.4";
const tools = [
    {
        name: "journal_add",
        description: "Schreibt einen Eintrag ins Tagebuch.",
        input_schema: {
            type: "object",
            properties: { content: { type: "string", minLength: 1 } },
            required: ["content"],
        },
    },
    {
        name: "todo_create",
        description: "Legt eine Aufgabe an.",
        input_schema: {
            type: "object",
            properties: {
                title: { type: "string" },
                priority: { type: "string", enum: ["low", "medium", "high", "urgent"] },
            },
            required: ["title"],
        },
    },
    { name: "todo_list", description: "Zeigt alle Aufgaben.", input_schema: { type: "object" } },
];

// One visit: calls are answered until the model ends; every block goes back as it came.
async function live(messages) {
    let calls = 0;
    for (let turn = 0; turn < 15; ++turn) {
        const stream = client.messages.stream({ model, max_tokens: 4000, system, tools, messages });
        let input = "";
        stream.on("inputJson", (piece) => (input += piece));
        const message = await stream.finalMessage();
        assert.equal(message.role, "assistant");
        assert.ok(message.usage.output_tokens > 0);
        messages.push({ role: "assistant", content: message.content });
        if (message.stop_reason === "end_turn") return { calls, message };
        assert.equal(message.stop_reason, "tool_use");
        const uses = message.content.filter((block) => block.type === "tool_use");
        assert.ok(uses.length > 0);
        assert.equal(input, uses.map((use) => (Object.keys(use.input).length ? JSON.stringify(use.input) : "")).join(""));
        calls += uses.length;
        messages.push({
            role: "user",
            content: uses.map((use) => ({
                type: "tool_result",
                tool_use_id: use.id,
                content: JSON.stringify({ task: { id: `aufgabe-${calls}`, title: use.input.title ?? "" } }),
            })),
        });
    }
    assert.fail("the visit did not end within 15 turns");
}

const messages = [{ role: "user", content: "Es ist der 21. November 2026. Dein Plan: todo, journal." }];

await check("a streamed tool loop runs to its end", async () => {
    const { calls, message } = await live(messages);
    assert.ok(calls >= 4, `${calls} calls`);
    assert.ok(message.content.some((block) => block.type === "text" && block.text.length > 0));
});

await check("thinking comes signed and may be echoed only unchanged", async () => {
    const first = messages[1].content[0];
    assert.equal(first.type, "thinking");
    assert.ok(first.signature.length > 20);
    const changed = structuredClone(messages.slice(0, 3));
    changed[1].content[0].signature = "AAAA";
    await assert.rejects(
        client.messages.create({ model, max_tokens: 100, system, tools, messages: changed }),
        (error) => error instanceof Anthropic.BadRequestError && /signature/.test(error.message));
    const rewritten = structuredClone(messages.slice(0, 3));
    rewritten[0].content = "Ein anderer Plan.";
    await assert.rejects(
        client.messages.create({ model, max_tokens: 100, system, tools, messages: rewritten }),
        /bound to a different conversation/);
});

await check("a whole answer without streaming has the same shape", async () => {
    const message = await client.messages.create({
        model: "claude-haiku-5-5",
        max_tokens: 1000,
        thinking: { type: "disabled" },
        messages: [{ role: "user", content: "Guten Morgen." }],
    });
    assert.equal(message.stop_reason, "end_turn");
    assert.equal(message.content[0].type, "text");
    assert.match(message.id, /^msg_/);
    assert.match(message._request_id, /^req_/);
});

await check("structured output is parsed by the SDK's words", async () => {
    const message = await client.messages.create({
        model: "claude-haiku-5-5",
        max_tokens: 2000,
        thinking: { type: "disabled" },
        output_config: {
            effort: "low",
            format: {
                type: "json_schema",
                schema: {
                    type: "object",
                    additionalProperties: false,
                    required: ["ratings"],
                    properties: {
                        ratings: {
                            type: "array",
                            items: {
                                type: "object",
                                additionalProperties: false,
                                required: ["module", "rating"],
                                properties: {
                                    module: { type: "string", enum: ["todo", "journal"] },
                                    rating: { type: "integer", enum: [1, 2, 3, 4, 5] },
                                },
                            },
                        },
                    },
                },
            },
        },
        messages: [{ role: "user", content: "Bewerte: #1 todo_create gelungen\n#2 journal_add Fehler" }],
    });
    const { ratings } = JSON.parse(message.content.at(-1).text);
    assert.deepEqual(ratings.map((one) => one.module), ["todo", "journal"]);
    assert.ok(ratings[0].rating > ratings[1].rating);
});

await check("tokens are counted and match what a request is billed", async () => {
    const request = { model, system, tools, messages: messages.slice(0, 1) };
    const { input_tokens } = await client.messages.countTokens(request);
    const { usage } = await client.messages.create({ ...request, max_tokens: 2000 });
    assert.equal(
        usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens,
        input_tokens);
});

await check("models are listed and described", async () => {
    const ids = [];
    for await (const one of client.models.list()) ids.push(one.id);
    assert.ok(ids.includes(model));
    const one = await client.models.retrieve(model);
    assert.equal(one.type, "model");
});

await check("refusals become the SDK's own error classes", async () => {
    const plain = { model, max_tokens: 100, messages: [{ role: "user", content: "Hallo" }] };
    await assert.rejects(client.messages.create({ ...plain, model: "claude-2" }), Anthropic.NotFoundError);
    await assert.rejects(client.messages.create({ ...plain, messages: [] }), Anthropic.BadRequestError);
    await assert.rejects(
        new Anthropic({ baseURL: setting("SIM_URL"), apiKey: "sk-sim-forbidden", maxRetries: 0 })
            .messages.create(plain),
        Anthropic.PermissionDeniedError);
    const faulty = (fault) => client.messages.create(plain, { headers: { "x-sim-fault": fault } });
    await assert.rejects(faulty("status=429;retry-after=1"), Anthropic.RateLimitError);
    await assert.rejects(faulty("status=401"), Anthropic.AuthenticationError);
    await assert.rejects(faulty("status=529"), Anthropic.InternalServerError);
});

await check("an error in the middle of a stream reaches the caller", async () => {
    const stream = client.messages.stream(
        { model, max_tokens: 4000, system, tools, messages: messages.slice(0, 1) },
        { headers: { "x-sim-fault": "error=4" } });
    await assert.rejects(stream.finalMessage(), /[Oo]verloaded/);
});
