// A few words for tests without a framework: each check has a name, the first failure ends the run
// with status 1, and a missing setting is told by name.
import assert from "node:assert/strict";

export { assert };

export function setting(name) {
    const value = process.env[name];
    if (!value) {
        console.error(`${name} is not set; see tests/interop/README.md`);
        process.exit(2);
    }
    return value;
}

const deadline = setTimeout(() => {
    console.error("not ok: no end within 180 seconds");
    process.exit(1);
}, 180_000);
deadline.unref();

export async function check(name, body) {
    try {
        await body();
        console.log(`ok - ${name}`);
    } catch (error) {
        console.error(`not ok - ${name}\n${error?.stack ?? error}`);
        process.exit(1);
    }
}
