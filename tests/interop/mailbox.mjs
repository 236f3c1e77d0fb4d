// The mails that the service put into its folder, read as their recipient would.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { assert, setting } from "./report.mjs";

const seen = new Set();

// The first capture of `pattern` in the next new mail to the address; mails come a moment later.
export async function next_mail(address, pattern) {
    const folder = setting("AUTH_MAIL");
    for (let tries = 0; tries < 300; ++tries) {
        for (const name of (await readdir(folder)).sort()) {
            if (seen.has(name) || !name.endsWith(".eml")) continue;
            const text = await readFile(join(folder, name), "utf8");
            if (!text.includes(address)) continue;
            seen.add(name);
            const found = pattern.exec(text);
            if (found) return found[1].replaceAll("&amp;", "&");
        }
        await pause(100);
    }
    assert.fail(`no mail to ${address} with ${pattern}`);
}
