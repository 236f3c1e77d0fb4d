// A JSON Schema validator of others (Ajv, strict, draft 2020-12) judges every tool: its schemas
// compile, real calls keep to both, and what the validator refuses the server refuses as well.
// MCP_URL (with /mcp), AUTH_URL, AUTH_EMAIL, AUTH_PASSWORD. The daemon lets tools remove things and
// has a news feed; it need not answer.
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { log_in, personal_space } from "./login.mjs";
import { assert, check, setting } from "./report.mjs";

const ajv = new Ajv({ strict: true, allErrors: true });
addFormats(ajv);
const login = await log_in();
const space = await personal_space(login);
const client = new Client({ name: "persona-runner-interop", version: "1.0.0" },
    { versionNegotiation: { mode: { pin: "2026-07-28" } } });
await client.connect(new StreamableHTTPClientTransport(new URL(setting("MCP_URL")), {
    requestInit: {
        headers: { Authorization: `Bearer ${login.accessToken}`, "X-Mana-Space": space.id },
    },
}));
const { tools } = await client.listTools();
const text_of = (result) => result.content.map((part) => part.text ?? "").join("");
const mark = `Prüfung ${process.pid}`;

const judges = new Map();
await check(`the schemas of ${tools.length} tools compile`, () => {
    for (const { name, inputSchema, outputSchema } of tools) {
        judges.set(name, { input: ajv.compile(inputSchema), output: ajv.compile(outputSchema) });
        for (const [property, schema] of Object.entries(inputSchema.properties)) {
            if (!("default" in schema)) continue;
            assert.ok(ajv.validate(schema, schema.default),
                `${name}.${property}: its default is ${JSON.stringify(schema.default)}`);
        }
    }
});

// What each tool is called with; `made` holds what the calls before it answered.
const target = { value: 3, period: "week", comparison: "gte" };
const lines = [{ title: mark, quantity: 1.5, unitPrice: 89.9, vatRate: 19, discount: 5 }];
const calls = {
    "todo.create": () => ({ title: mark, priority: "urgent", dueDate: "2027-01-01T10:00:00+01:00" }),
    "todo.list": () => ({ limit: 3 }),
    "todo.search": () => ({ query: mark }),
    "todo.due": () => ({ days: 365 }),
    "todo.update": (made) => ({ id: made["todo.create"].task.id, description: "ä€😀" }),
    "todo.complete": (made) => ({ id: made["todo.create"].task.id }),
    "todo.delete": (made) => ({ id: made["todo.create"].task.id }),
    "calendar.create": () => ({ title: mark, startTime: "2027-01-01T10:00:00Z", reminders: [10] }),
    "calendar.list": () => ({ from: "2027-01-01", to: "2027-01-02" }),
    "calendar.today": () => ({ date: "2027-01-01" }),
    "calendar.search": () => ({ query: mark }),
    "calendar.update": (made) => ({ id: made["calendar.create"].event.id, color: "#00ff7F" }),
    "calendar.cancel": (made) => ({ id: made["calendar.create"].event.id }),
    "journal.add": () => ({ content: mark, mood: "dankbar", tags: ["a"] }),
    "journal.list": () => ({}),
    "journal.search": () => ({ query: mark }),
    "journal.update": (made) => ({ id: made["journal.add"].entry.id, title: null, mood: null }),
    "journal.archive": (made) => ({ id: made["journal.add"].entry.id }),
    "notes.create": () => ({ title: mark, content: "x" }),
    "notes.search": () => ({}),
    "notes.update": (made) => ({ id: made["notes.create"].note.id, isPinned: true }),
    "notes.archive": (made) => ({ id: made["notes.create"].note.id, archived: true }),
    "notes.delete": (made) => ({ id: made["notes.create"].note.id }),
    "mood.log": () => ({ level: 7, emotion: "calm", time: "07:15" }),
    "mood.today": () => ({}),
    "mood.recent": () => ({}),
    "mood.search": () => ({ query: "calm" }),
    "mood.update": (made) => ({ id: made["mood.log"].entry.id, notes: mark }),
    "habits.create": () => ({ title: mark, weekdays: ["mon"], targetPerDay: 2 }),
    "habits.list": () => ({}),
    "habits.log": (made) => ({ id: made["habits.create"].habit.id, duration: 60 }),
    "habits.today": () => ({}),
    "habits.update": (made) => ({ id: made["habits.create"].habit.id, targetPerDay: null }),
    "habits.archive": (made) => ({ id: made["habits.create"].habit.id }),
    "contacts.create": () => ({ firstName: mark, birthday: "1990-02-28", tags: ["kunde"] }),
    "contacts.search": () => ({ query: mark }),
    "contacts.update": (made) => ({
        id: made["contacts.create"].contact.id, website: "https://example.org/a?b=c#d",
        email: `p${process.pid}@example.org`,
    }),
    "contacts.birthdays": () => ({ days: 366 }),
    "contacts.archive": (made) => ({ id: made["contacts.create"].contact.id }),
    "articles.save": () => ({ url: `https://example.org/${process.pid}`, title: mark, content: mark }),
    "articles.list": () => ({ status: "unread" }),
    "articles.mark": (made) => ({ id: made["articles.save"].article.id, status: "finished" }),
    "articles.note": (made) => ({ id: made["articles.save"].article.id, note: null }),
    "articles.highlight": (made) => ({ id: made["articles.save"].article.id, text: mark }),
    "articles.listHighlights": (made) => ({ id: made["articles.save"].article.id }),
    "articles.archive": (made) => ({ id: made["articles.save"].article.id }),
    "dreams.create": () => ({ content: mark, mood: "albtraum", clarity: 1, bedtime: "23:59" }),
    "dreams.list": () => ({ from: "2020-01-01" }),
    "dreams.update": (made) => ({ id: made["dreams.create"].dream.id, people: ["Mila"] }),
    "dreams.archive": (made) => ({ id: made["dreams.create"].dream.id }),
    "library.create": () => ({ kind: "series", title: mark, details: { season: 1 }, year: 1999 }),
    "library.list": () => ({ kind: "series" }),
    "library.update": (made) => ({ id: made["library.create"].entry.id, status: "active" }),
    "library.complete": (made) => ({ id: made["library.create"].entry.id, rating: 5 }),
    "library.archive": (made) => ({ id: made["library.create"].entry.id }),
    "goals.create": () => ({ title: mark, target, moduleId: "habits" }),
    "goals.list": () => ({}),
    "goals.progress": (made) => ({ id: made["goals.create"].goal.id, amount: 0.5 }),
    "goals.update": (made) => ({ id: made["goals.create"].goal.id, description: mark }),
    "goals.complete": (made) => ({ id: made["goals.create"].goal.id }),
    "newsResearch.search": () => ({ query: "wetter" }),
    "newsResearch.listFeeds": () => ({}),
    "invoices.create": () => ({ client: { name: mark, email: "a@example.org" }, lines }),
    "invoices.list": () => ({ status: "draft" }),
    "invoices.update": (made) => ({ id: made["invoices.create"].invoice.id, currency: "CHF" }),
    "invoices.send": (made) => ({ id: made["invoices.create"].invoice.id }),
    "invoices.pay": (made) => ({ id: made["invoices.create"].invoice.id }),
    "invoices.cancel": (made) => ({ id: made["another draft"].invoice.id }),
    "spaces.list": () => ({}),
    "spaces.members": () => ({}),
};

await check("every tool answers a real call as its schemas say", async () => {
    assert.deepEqual(tools.map(({ name }) => name).sort(), Object.keys(calls).sort());
    const draft = await client.callTool({ name: "invoices.create", arguments: calls["invoices.create"]() });
    const made = { "another draft": draft.structuredContent };
    for (const [name, arguments_of] of Object.entries(calls)) {
        const { input, output } = judges.get(name);
        const args = arguments_of(made);
        assert.ok(input(args), `${name} is called as its schema says: ${ajv.errorsText(input.errors)}`);
        const result = await client.callTool({ name, arguments: args });
        assert.ok(!result.isError, `${name}: ${text_of(result)}`);
        made[name] = result.structuredContent;
        assert.ok(output(made[name]),
            `${name} answers as its schema says: ${ajv.errorsText(output.errors)}`);
    }
});

await check("what the validator refuses, the server refuses, too", async () => {
    for (const { name, inputSchema } of tools) {
        const surplus = { surplus: 1 };
        assert.ok(!judges.get(name).input(surplus), name);
        const refused = await client.callTool({ name, arguments: surplus });
        assert.equal(refused.isError, true, name);
        assert.equal(refused.structuredContent, undefined, name);
        assert.match(text_of(refused), /surplus is not known/, name);
        const [needed] = inputSchema.required ?? [];
        if (!needed) continue;
        assert.ok(!judges.get(name).input({}), name);
        assert.match(text_of(await client.callTool({ name, arguments: {} })),
            new RegExp(`${needed} is required`), name);
    }
});
await client.close();
