// Better Auth as its documentation sets it up, on Node and PostgreSQL, with people who may log in and
// a route that is guarded by its JWT. Prints one line of JSON (see auth_bench.cpp) and serves until
// its input ends.
// PEER_DATABASE: an empty database. PEER_USERS (16).
//
// The guard does what ours does: signature, issuer, audience and expiry of the token, then the
// session it speaks of and its user from the database; behind it the same question, the user's
// accounts. The public keys are kept in memory.
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";
import { createLocalJWKSet, jwtVerify } from "jose";
import pg from "pg";

const password = "correct horse battery staple";
const server = createServer();
await new Promise((up) => server.listen(0, "127.0.0.1", up));
const url = `http://127.0.0.1:${server.address().port}`;

const auth = betterAuth({
    database: new pg.Pool({ connectionString: process.env.PEER_DATABASE, max: 24 }),
    secret: "a secret of the bench, longer than 32 characters",
    baseURL: url,
    telemetry: { enabled: false },
    logger: { level: "error" },
    rateLimit: { enabled: false },
    emailAndPassword: { enabled: true },
    plugins: [
        jwt({
            jwt: {
                issuer: url,
                audience: "mana",
                expirationTime: "15m",
                definePayload: ({ user, session }) => ({ email: user.email, sid: session.id }),
            },
        }),
    ],
});
await (await getMigrations(auth.options)).runMigrations();

const emails = [];
for (let i = 0; i < Number(process.env.PEER_USERS ?? 16); i++) {
    const email = `person${i}@example.com`;
    await auth.api.signUpEmail({ body: { name: "Person", email, password } });
    emails.push(email);
}
const context = await auth.$context;
const { headers } = await auth.api.signInEmail({
    body: { email: emails[0], password },
    returnHeaders: true,
});
const cookie = headers.getSetCookie().map((line) => line.split(";")[0]).join("; ");
const { token } = await auth.api.getToken({ headers: new Headers({ cookie, origin: url }) });
const keys = createLocalJWKSet(await auth.api.getJwks());

async function guarded(request, response) {
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    try {
        const { payload } = await jwtVerify(bearer, keys, { issuer: url, audience: "mana" });
        const session = await context.adapter.findOne({
            model: "session",
            where: [{ field: "id", value: payload.sid }],
        });
        const user = session && (await context.internalAdapter.findUserById(session.userId));
        if (!user || session.expiresAt <= new Date()) throw new Error("no session");
        response.setHeader("content-type", "application/json");
        const accounts = await context.internalAdapter.findAccounts(user.id);
        response.end(JSON.stringify(accounts.map(({ id, providerId, accountId, createdAt, updatedAt }) =>
            ({ id, providerId, accountId, userId: user.id, createdAt, updatedAt, scopes: [] }))));
    } catch {
        response.statusCode = 401;
        response.end('{"error":"log in first"}');
    }
}

const api = toNodeHandler(auth);
server.on("request", (request, response) =>
    request.url === "/accounts" ? guarded(request, response) : api(request, response));
console.log(JSON.stringify({
    guarded: `${url}/accounts`,
    login: `${url}/api/auth/sign-in/email`,
    emails,
    password,
    token,
}));
process.stdin.on("end", () => process.exit(0)).resume();
