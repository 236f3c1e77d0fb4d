// A real browser with better-auth's own passkey client enrols a passkey and logs in by it, through
// an authenticator that the browser simulates (Chrome DevTools Protocol, domain WebAuthn).
// AUTH_URL (http://localhost:…), AUTH_MAIL; CHROMIUM names the program (default: chromium)
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { make_browser_fetch } from "./browser_fetch.mjs";
import { next_mail } from "./mailbox.mjs";
import { assert, check, setting } from "./report.mjs";

const url = setting("AUTH_URL");
const email = "pia@example.com";
const password = "Pias langes Passwort";

// A verified account.
const { browser_fetch } = make_browser_fetch(url);
const signed_up = await browser_fetch(`${url}/api/auth/sign-up/email`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password, name: "Pia" }),
});
assert.equal(signed_up.status, 200);
await browser_fetch(url + (await next_mail(email, /(\/api\/auth\/verify-email[^"]*)"/)));

// The client as one script.
const bundle = await build({
    stdin: {
        contents: `
            import { createAuthClient } from "better-auth/client";
            import { passkeyClient } from "@better-auth/passkey/client";
            globalThis.client = createAuthClient({ plugins: [passkeyClient()] });`,
        resolveDir: process.cwd(),
    },
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    logLevel: "error",
});

const profile = await mkdtemp(join(tmpdir(), "passkey-"));
const browser = spawn(
    process.env.CHROMIUM ?? "chromium",
    [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
);
process.on("exit", () => browser.kill("SIGKILL"));

const socket_url = await new Promise((resolve, reject) => {
    let text = "";
    browser.on("error", reject);
    browser.on("exit", (status) => reject(new Error(`the browser ended (${status})\n${text}`)));
    browser.stderr.on("data", (chunk) => {
        text += chunk;
        const found = /DevTools listening on (ws:\S+)/.exec(text);
        if (found) resolve(found[1]);
    });
});

const socket = new WebSocket(socket_url);
await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
});
const waiting = new Map();
let session;
let loaded;
socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.method === "Page.loadEventFired") loaded?.();
    const [resolve, reject] = waiting.get(message.id) ?? [];
    waiting.delete(message.id);
    if (message.error) reject?.(new Error(JSON.stringify(message.error)));
    else resolve?.(message.result);
};
let last = 0;
function call(method, params = {}) {
    const id = ++last;
    const answer = new Promise((resolve, reject) => waiting.set(id, [resolve, reject]));
    socket.send(JSON.stringify({ id, method, params, sessionId: session }));
    return answer;
}
async function open(path) {
    const done = new Promise((resolve) => (loaded = resolve));
    await call("Page.navigate", { url: url + path });
    await done;
    await run(bundle.outputFiles[0].text + "; undefined");
}
// What the expression's promise gives, by value.
async function run(expression) {
    const { result, exceptionDetails } = await call("Runtime.evaluate", {
        expression,
        awaitPromise: true,
        returnByValue: true,
        userGesture: true,
    });
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
}
const good = ({ data, error }) => {
    assert.equal(error ?? null, null, JSON.stringify(error));
    return data;
};

const { targetId } = await call("Target.createTarget", { url: "about:blank" });
session = (await call("Target.attachToTarget", { targetId, flatten: true })).sessionId;
await call("Page.enable");
await call("WebAuthn.enable");
const { authenticatorId } = await call("WebAuthn.addVirtualAuthenticator", {
    options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
    },
});
await open("/health");

await check("the browser enrols a passkey", async () => {
    good(await run(`client.signIn.email({ email: "${email}", password: "${password}" })`));
    const made = good(await run(`client.passkey.addPasskey({ name: "Laptop" })`));
    assert.equal(made.name, "Laptop");
    const { credentials } = await call("WebAuthn.getCredentials", { authenticatorId });
    assert.equal(credentials.length, 1);
    assert.equal(credentials[0].rpId, "localhost");
    const list = good(await run(`client.$fetch("/passkey/list-user-passkeys")`));
    assert.equal(list.length, 1);
    const again = await run(`client.passkey.addPasskey({ name: "Laptop" })`);
    assert.equal(again.error.code, "ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED");
});

await check("and logs in by it", async () => {
    for (let times = 0; times < 2; ++times) {
        good(await run(`client.signOut()`));
        assert.equal((await run(`client.getSession()`)).data, null);
        const entered = good(await run(`client.signIn.passkey()`));
        assert.equal(entered.user.email, email);
        assert.equal((await run(`client.getSession()`)).data.user.email, email);
    }
});

await check("a passkey is renamed and deleted, and opens nothing any more", async () => {
    const [{ id }] = good(await run(`client.$fetch("/passkey/list-user-passkeys")`));
    const renamed = good(await run(`client.passkey.updatePasskey({ id: "${id}", name: "Tisch" })`));
    assert.equal(renamed.passkey.name, "Tisch");
    good(await run(`client.passkey.deletePasskey({ id: "${id}" })`));
    good(await run(`client.signOut()`));
    assert.equal((await run(`client.signIn.passkey()`)).error.code, "PASSKEY_NOT_FOUND");
});

browser.removeAllListeners("exit");
const ended = new Promise((resolve) => browser.on("exit", resolve));
browser.kill("SIGTERM");
await ended;
await rm(profile, { recursive: true, force: true });
process.exit(0);
