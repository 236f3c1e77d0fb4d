// The API document is OpenAPI 3.1 by the judgement of a validator that is not ours.
// AUTH_URL
import { Validator } from "@seriousme/openapi-schema-validator";
import { assert, check, setting } from "./report.mjs";

const url = setting("AUTH_URL");

await check("the document is valid OpenAPI 3.1", async () => {
    const answer = await fetch(`${url}/openapi.json`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type"), /application\/json/);
    const document = await answer.json();
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(document));
    assert.ok(valid, JSON.stringify(errors, null, 1));
    assert.equal(validator.version, "3.1");
    assert.ok(Object.keys(document.paths).length > 50);
});

await check("its references lead somewhere", async () => {
    const validator = new Validator();
    await validator.validate(await (await fetch(`${url}/openapi.json`)).json());
    const whole = validator.resolveRefs();
    assert.equal(JSON.stringify(whole).includes('"$ref":"#/components'), false);
});
