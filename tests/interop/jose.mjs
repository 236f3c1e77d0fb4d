// jose verifies our JWTs with our key set, as every other service would.
// AUTH_URL, AUTH_EMAIL, AUTH_PASSWORD; AUTH_ISSUER when it differs from AUTH_URL
import { createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify } from "jose";
import { log_in } from "./login.mjs";
import { assert, check } from "./report.mjs";

const login = await log_in();
const issuer = process.env.AUTH_ISSUER ?? login.url;

for (const path of ["/api/auth/jwks", "/api/v1/auth/jwks"]) {
    const keys = createRemoteJWKSet(new URL(login.url + path));
    await check(`the access token verifies by ${path}`, async () => {
        const { payload, protectedHeader } = await jwtVerify(login.accessToken, keys, {
            issuer,
            audience: "mana",
            algorithms: ["EdDSA"],
        });
        assert.equal(protectedHeader.alg, "EdDSA");
        assert.ok(protectedHeader.kid);
        assert.equal(payload.sub, login.user.id);
        assert.equal(payload.email, login.user.email);
        for (const claim of ["role", "sid", "tier"]) assert.ok(payload[claim], `no claim ${claim}`);
        assert.equal(payload.exp - payload.iat, 900);
    });
    await check(`${path} hands out no private key`, async () => {
        const answer = await fetch(login.url + path);
        const { keys: list } = await answer.json();
        assert.ok(list.length > 0);
        for (const key of list) {
            assert.equal(key.kty, "OKP");
            assert.equal(key.crv, "Ed25519");
            assert.equal(key.d, undefined);
        }
        assert.ok(list.some((key) => key.kid === decodeProtectedHeader(login.accessToken).kid));
    });
    await check(`an altered token fails against ${path}`, async () => {
        const [header, payload, signature] = login.accessToken.split(".");
        const claims = JSON.parse(Buffer.from(payload, "base64url"));
        claims.role = "admin";
        const forged = Buffer.from(JSON.stringify(claims)).toString("base64url");
        await assert.rejects(
            jwtVerify(`${header}.${forged}.${signature}`, keys, { audience: "mana" }),
            errors.JWSSignatureVerificationFailed);
    });
    await check(`another audience is refused with ${path}`, async () => {
        await assert.rejects(
            jwtVerify(login.accessToken, keys, { audience: "elsewhere" }),
            errors.JWTClaimValidationFailed);
    });
}
