// A real Better Auth makes its tables in the schema "auth" and fills them through its own API, as an
// installation before ours did; what it handed to clients is printed as JSON for the test that takes
// the database over.
// TAKEOVER_DATABASE, TAKEOVER_SECRET
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { jwt, magicLink, organization, twoFactor } from "better-auth/plugins";
import { passkey } from "@better-auth/passkey";
import { createOTP } from "@better-auth/utils/otp";
import { base32 } from "@better-auth/utils/base32";
import pg from "pg";
import { assert, setting } from "./report.mjs";

const pool = new pg.Pool({
    connectionString: setting("TAKEOVER_DATABASE"),
    options: "-c search_path=auth",
});
await pool.query("create schema if not exists auth");

// Names as the ancestor's schema has them.
const snake = (...names) =>
    Object.fromEntries(
        names.map((name) => [name, name.replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase())]),
    );
const times = ["createdAt", "updatedAt"];

const auth = betterAuth({
    database: pool,
    secret: setting("TAKEOVER_SECRET"),
    baseURL: "http://localhost:3001",
    trustedOrigins: ["http://localhost:5173"],
    telemetry: { enabled: false },
    logger: { level: "error" },
    advanced: { cookiePrefix: "mana" },
    emailAndPassword: { enabled: true },
    user: {
        modelName: "users",
        fields: snake("emailVerified", ...times),
    },
    session: {
        modelName: "sessions",
        fields: snake("expiresAt", "ipAddress", "userAgent", "userId", ...times),
    },
    account: {
        modelName: "accounts",
        fields: snake(
            "accountId", "providerId", "userId", "accessToken", "refreshToken", "idToken",
            "accessTokenExpiresAt", "refreshTokenExpiresAt", ...times,
        ),
    },
    verification: { modelName: "verification", fields: snake("expiresAt", ...times) },
    plugins: [
        organization({
            schema: {
                session: { fields: snake("activeOrganizationId") },
                organization: { modelName: "organizations", fields: snake("createdAt") },
                member: { modelName: "members", fields: snake("organizationId", "userId", "createdAt") },
                invitation: {
                    modelName: "invitations",
                    fields: snake("organizationId", "expiresAt", "inviterId", "createdAt"),
                },
            },
        }),
        twoFactor({
            issuer: "Mana",
            schema: {
                user: { fields: snake("twoFactorEnabled") },
                twoFactor: {
                    modelName: "two_factor_auth",
                    fields: snake("backupCodes", "userId", "failedVerificationCount", "lockedUntil"),
                },
            },
        }),
        magicLink({ sendMagicLink: async () => {} }),
        passkey({
            schema: {
                passkey: {
                    modelName: "passkeys",
                    fields: {
                        ...snake("publicKey", "userId", "deviceType", "backedUp", "createdAt"),
                        credentialID: "credential_id",
                    },
                },
            },
        }),
        jwt({ schema: { jwks: { fields: snake("publicKey", "privateKey", "createdAt", "expiresAt") } } }),
    ],
});

await (await getMigrations(auth.options)).runMigrations();

const cookies = (headers) =>
    headers
        .getSetCookie()
        .map((line) => line.split(";")[0])
        .filter((pair) => !pair.endsWith("="))
        .join("; ");

async function person(name, password) {
    const email = `${name}@example.com`;
    await auth.api.signUpEmail({ body: { name, email, password } });
    await pool.query("update users set email_verified = true where email = $1", [email]);
    const { headers, response } = await auth.api.signInEmail({
        body: { email, password },
        returnHeaders: true,
    });
    return { email, password, userId: response.user.id, token: response.token, cookie: cookies(headers) };
}

const anna = await person("anna", "Annas Passwort 1");
const ben = await person("ben", "Bens Passwort 2 äöü");
const headers = new Headers({ cookie: anna.cookie, origin: "http://localhost:5173" });

const team = await auth.api.createOrganization({
    headers,
    body: { name: "Team", slug: "team", metadata: { type: "team" } },
});
await auth.api.addMember({ body: { userId: ben.userId, organizationId: team.id, role: "member" } });
await auth.api.createInvitation({
    headers,
    body: { email: "cora@example.com", role: "member", organizationId: team.id },
});

// Ben switches the second factor on.
const bens = new Headers({ cookie: ben.cookie, origin: "http://localhost:5173" });
const factor = await auth.api.enableTwoFactor({ headers: bens, body: { password: ben.password } });
const secret = new TextDecoder().decode(
    base32.decode(new URL(factor.totpURI).searchParams.get("secret")),
);
const shown = await auth.api.verifyTOTP({
    headers: bens,
    body: { code: await createOTP(secret).totp() },
    returnHeaders: true,
});
ben.cookie = cookies(shown.headers);
assert.ok(ben.cookie.includes("session_token"));

const { token: jwtOfAnna } = await auth.api.getToken({ headers });
console.log(
    "takeover " +
        JSON.stringify({
            anna: { ...anna, jwt: jwtOfAnna },
            ben: { ...ben, secret, backupCodes: factor.backupCodes },
            team: team.id,
        }),
);
await pool.end();
