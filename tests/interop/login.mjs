// What the tests of the product's servers share: signing in as the user of the settings.
import { assert, setting } from "./report.mjs";

// AUTH_URL, AUTH_EMAIL, AUTH_PASSWORD
export async function log_in() {
    const url = setting("AUTH_URL");
    const answer = await fetch(`${url}/api/v1/auth/login`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ email: setting("AUTH_EMAIL"), password: setting("AUTH_PASSWORD") }),
    });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    const login = JSON.parse(text);
    assert.ok(login.accessToken, "the answer holds no accessToken");
    return { url, ...login };
}

// The caller's personal space, or the first one.
export async function personal_space(login) {
    const answer = await fetch(`${login.url}/api/auth/organization/list`, {
        headers: { authorization: `Bearer ${login.accessToken}` },
    });
    assert.equal(answer.status, 200);
    const spaces = await answer.json();
    assert.ok(spaces.length > 0, "the user has no space");
    const type = ({ metadata }) =>
        (typeof metadata === "string" ? JSON.parse(metadata) : (metadata ?? {})).type;
    return spaces.find((space) => type(space) === "personal") ?? spaces[0];
}
