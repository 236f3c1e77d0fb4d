// better-auth's own client, unmodified, with its plugins: second factor, mailed link, tokens, spaces.
// AUTH_URL, AUTH_MAIL
import { createAuthClient } from "better-auth/client";
import {
    jwtClient,
    magicLinkClient,
    organizationClient,
    twoFactorClient,
} from "better-auth/client/plugins";
import { base32 } from "@better-auth/utils/base32";
import { createOTP } from "@better-auth/utils/otp";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { make_browser_fetch } from "./browser_fetch.mjs";
import { next_mail } from "./mailbox.mjs";
import { assert, check, setting } from "./report.mjs";

const url = setting("AUTH_URL");
const { jar, browser_fetch } = make_browser_fetch(url);
let asked = null;
const client = createAuthClient({
    baseURL: url,
    fetchOptions: { customFetchImpl: browser_fetch },
    plugins: [
        twoFactorClient({ onTwoFactorRedirect: (told) => (asked = told) }),
        magicLinkClient(),
        jwtClient(),
        organizationClient(),
    ],
});

const email = "nora@example.com";
const password = "Noras langes Passwort";
const good = ({ data, error }) => {
    assert.equal(error, null, JSON.stringify(error));
    return data;
};
const sign_in = () => client.signIn.email({ email, password });

await check("signing up mails a link, and the link proves the address", async () => {
    const data = good(await client.signUp.email({ email, password, name: "Nora" }));
    assert.equal(data.token, null);
    assert.equal((await sign_in()).error.code, "EMAIL_NOT_VERIFIED");
    const link = await next_mail(email, /(\/api\/auth\/verify-email[^"]*)"/);
    assert.ok((await browser_fetch(url + link)).status < 400);
    assert.equal(good(await sign_in()).user.email, email);
});

let secret;
let backup_codes;
// A code of the next half minute is within the window, and newer than every code used before.
let ahead = 0;
const code = async () => {
    const step = 30_000;
    const real = Date.now;
    Date.now = () => real() + ahead;
    try {
        return await createOTP(secret).totp();
    } finally {
        Date.now = real;
        ahead = step;
    }
};

await check("the second factor is on after a code", async () => {
    const data = good(await client.twoFactor.enable({ password }));
    const told = new URL(data.totpURI);
    assert.equal(told.searchParams.get("issuer"), "Mana");
    secret = new TextDecoder().decode(base32.decode(told.searchParams.get("secret")));
    backup_codes = data.backupCodes;
    assert.equal(backup_codes.length, 10);
    assert.equal((await client.getSession()).data.user.twoFactorEnabled, false);
    assert.equal((await client.twoFactor.verifyTotp({ code: "000000" })).error.code, "INVALID_CODE");
    good(await client.twoFactor.verifyTotp({ code: await code() }));
    assert.equal((await client.getSession()).data.user.twoFactorEnabled, true);
    assert.equal(good(await client.twoFactor.getTotpUri({ password })).totpURI, data.totpURI);
});

await check("a login is asked for it and ends with a code; the device is trusted then", async () => {
    good(await client.signOut());
    const data = good(await sign_in());
    assert.equal(data.twoFactorRedirect, true);
    assert.deepEqual(asked, { twoFactorMethods: ["totp", "otp"] });
    assert.equal((await client.getSession()).data, null);
    const { data: done, error } = await client.twoFactor.verifyTotp({
        code: await code(),
        trustDevice: true,
    });
    assert.equal(error, null);
    assert.equal(done.user.email, email);
    assert.equal((await client.getSession()).data.session.token, done.token);
    good(await client.signOut());
    assert.equal(good(await sign_in()).user.email, email);
    jar.delete("mana.trust_device");
});

await check("a mailed code and a backup code end it too, each once", async () => {
    good(await client.signOut());
    good(await sign_in());
    assert.equal(good(await client.twoFactor.sendOtp()).status, true);
    const mailed = await next_mail(email, /\b(\d{6})\b(?=[^#\d])/);
    assert.equal((await client.twoFactor.verifyOtp({ code: mailed })).error, null);
    good(await client.signOut());
    good(await sign_in());
    const one = backup_codes[0];
    good(await client.twoFactor.verifyBackupCode({ code: one }));
    good(await client.signOut());
    good(await sign_in());
    assert.equal(
        (await client.twoFactor.verifyBackupCode({ code: one })).error.code,
        "INVALID_BACKUP_CODE",
    );
    good(await client.twoFactor.verifyBackupCode({ code: backup_codes[1] }));
    assert.equal(good(await client.twoFactor.generateBackupCodes({ password })).backupCodes.length, 10);
});

await check("it is off again with the password", async () => {
    assert.equal(
        (await client.twoFactor.disable({ password: "ganz falsch 1" })).error.code,
        "INVALID_PASSWORD",
    );
    assert.equal(good(await client.twoFactor.disable({ password })).status, true);
    good(await client.signOut());
    assert.equal(good(await sign_in()).user.twoFactorEnabled, false);
});

await check("a mailed link logs in, once, and makes accounts", async () => {
    good(await client.signOut());
    for (const address of [email, "otto@example.com"]) {
        assert.equal(
            good(await client.signIn.magicLink({ email: address, name: "Otto" })).status,
            true,
        );
        const token = await next_mail(address, /magic-link\/verify\?token=([A-Za-z]{32})/);
        const data = good(await client.magicLink.verify({ query: { token } }));
        assert.equal(data.user.email, address);
        assert.equal((await client.getSession()).data.user.email, address);
        assert.equal((await client.magicLink.verify({ query: { token } })).error.code, "INVALID_TOKEN");
    }
});

await check("the token verifies with jose by the published keys", async () => {
    const { token } = good(await client.token());
    const keys = createRemoteJWKSet(new URL(url + "/api/auth/jwks"));
    const { payload } = await jwtVerify(token, keys, { issuer: url, audience: "mana" });
    assert.equal(payload.email, "otto@example.com");
    assert.equal(good(await client.jwks()).keys.length > 0, true);
});

await check("spaces are made, shared and left", async () => {
    const made = good(
        await client.organization.create({
            name: "Runde",
            slug: "runde-otto",
            metadata: { type: "team" },
        }),
    );
    const list = good(await client.organization.list());
    assert.ok(list.some((space) => space.id === made.id));
    good(await client.organization.setActive({ organizationId: made.id }));
    const invited = good(
        await client.organization.inviteMember({ email, role: "member", organizationId: made.id }),
    );
    assert.equal(invited.status, "pending");
    good(await client.signOut());
    good(await sign_in());
    good(await client.organization.acceptInvitation({ invitationId: invited.id }));
    const full = good(
        await client.organization.getFullOrganization({ query: { organizationId: made.id } }),
    );
    assert.equal(full.members.length, 2);
    good(await client.organization.leave({ organizationId: made.id }));
});
