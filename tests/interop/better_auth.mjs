// better-auth's own client signs in, reads the session and signs out. It keeps no cookies outside a
// browser, so the fetch hook plays the browser's part.
// AUTH_URL, AUTH_EMAIL, AUTH_PASSWORD
import { createAuthClient } from "better-auth/client";
import { assert, check, setting } from "./report.mjs";

const url = setting("AUTH_URL");
const jar = new Map();

async function browser_fetch(input, options = {}) {
    const headers = new Headers(options.headers);
    headers.set("origin", new URL(url).origin);
    if (jar.size > 0) headers.set("cookie", [...jar].map(([name, value]) => `${name}=${value}`).join("; "));
    const answer = await fetch(input, { ...options, headers });
    for (const line of answer.headers.getSetCookie()) {
        const [pair, ...attributes] = line.split(";").map((part) => part.trim());
        const at = pair.indexOf("=");
        const gone = attributes.some((word) => /^max-age=0$/i.test(word));
        if (gone) jar.delete(pair.slice(0, at));
        else jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return answer;
}

const client = createAuthClient({ baseURL: url, fetchOptions: { customFetchImpl: browser_fetch } });

await check("nobody is signed in at first", async () => {
    const { data, error } = await client.getSession();
    assert.equal(error, null);
    assert.equal(data, null);
});

await check("a wrong password is refused with the code that the client knows", async () => {
    const { error } = await client.signIn.email({ email: setting("AUTH_EMAIL"), password: "ganz falsch 1" });
    assert.equal(error.status, 401);
    assert.equal(error.code, "INVALID_EMAIL_OR_PASSWORD");
    assert.equal(jar.size, 0);
});

await check("signing in answers the user and sets the cookie", async () => {
    const { data, error } = await client.signIn.email({
        email: setting("AUTH_EMAIL"),
        password: setting("AUTH_PASSWORD"),
    });
    assert.equal(error, null);
    assert.equal(data.user.email, setting("AUTH_EMAIL"));
    assert.ok(data.token);
    assert.ok([...jar.keys()].some((name) => name.endsWith("session_token")));
});

await check("the session is readable with the cookie", async () => {
    const { data, error } = await client.getSession();
    assert.equal(error, null);
    assert.equal(data.user.email, setting("AUTH_EMAIL"));
    assert.equal(data.session.userId, data.user.id);
    assert.ok(new Date(data.session.expiresAt) > new Date());
});

await check("accounts are listed and sessions updated by nobody but the service", async () => {
    const { data, error } = await client.listAccounts();
    assert.equal(error, null);
    assert.deepEqual(data.map((account) => account.providerId), ["credential"]);
    assert.deepEqual(data[0].scopes, []);
    const refused = await client.updateSession({ activeOrganizationId: "x" });
    assert.equal(refused.error.status, 400);
    assert.equal(refused.error.code, "FIELD_NOT_ALLOWED");
});

await check("other providers are missing in the words that the client knows", async () => {
    const answers = [
        [client.signIn.social({ provider: "google", callbackURL: "/" }), 404, "PROVIDER_NOT_FOUND"],
        [client.linkSocial({ provider: "google", callbackURL: "/" }), 404, "PROVIDER_NOT_FOUND"],
        [client.unlinkAccount({ providerId: "credential" }), 400, "FAILED_TO_UNLINK_LAST_ACCOUNT"],
        [client.getAccessToken({ providerId: "google" }), 400, "PROVIDER_NOT_SUPPORTED"],
        [client.refreshToken({ providerId: "google" }), 400, "PROVIDER_NOT_SUPPORTED"],
        [client.accountInfo({ query: { accountId: "x" } }), 400, "ACCOUNT_NOT_FOUND"],
    ];
    for (const [asked, status, code] of answers) {
        const { error } = await asked;
        assert.equal(error.status, status, code);
        assert.equal(error.code, code);
    }
});

await check("signing out ends it for good", async () => {
    const stolen = new Map(jar);
    const { data, error } = await client.signOut();
    assert.equal(error, null);
    assert.equal(data.success, true);
    assert.equal((await client.getSession()).data, null);
    for (const [name, value] of stolen) jar.set(name, value);
    assert.equal((await client.getSession()).data, null, "the old cookie must be worthless");
});
