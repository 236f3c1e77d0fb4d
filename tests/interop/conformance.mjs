// The official conformance suite against our endpoint and our client, at both revisions. What is
// expected of each scenario stands in conformance.json; a scenario that the suite has and the list
// does not is a failure, and so is one that is better or worse than the list says.
// CONFORMANCE_SERVER, CONFORMANCE_CLIENT: our programs.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { assert, check, setting } from "./report.mjs";

const suite = "node_modules/@modelcontextprotocol/conformance/dist/index.js";
const expected = JSON.parse(readFileSync("conformance.json", "utf8"));
const programs = { server: setting("CONFORMANCE_SERVER"), client: setting("CONFORMANCE_CLIENT") };

function run(...args) {
    return new Promise((resolve) =>
        execFile(process.execPath, [suite, ...args], { timeout: 120_000, maxBuffer: 1 << 26 },
            (error, out, err) => resolve(out + err)));
}

// Every check of every scenario that left its results below `folder`, by scenario.
function results(folder, role) {
    const found = {};
    for (const entry of readdirSync(folder, { recursive: true })) {
        if (!entry.endsWith("checks.json")) continue;
        const name = entry.replace(/\/checks\.json$/, "").replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, "")
            .replace(new RegExp(`^${role}-`), "");
        const checks = JSON.parse(readFileSync(join(folder, entry), "utf8"));
        found[name] = checks.filter((one) => one.status === "FAILURE" || one.status === "WARNING")
            .map((one) => one.id);
        if (!checks.length) found[name] = null;
    }
    return found;
}

async function scenarios(revision, role) {
    const text = await run("list", "--requirements", revision);
    const names = { server: [], client: [] };
    let section = "";
    for (const line of text.split("\n")) {
        section = /^(Server|Client) scenarios/.exec(line)?.[1].toLowerCase() ?? section;
        const required = /^ {2}- (\S+)$/.exec(line);
        if (required) names[section].push(required[1]);
        const more = /^ {4}- (\S+) \[(\w+)\]$/.exec(line);
        if (more) names[more[2]].push(more[1]);
    }
    return names[role];
}

function reason_of(role, revision, name) {
    for (const [pattern, reason] of Object.entries(expected.out_of_scope[role])) {
        if (new RegExp(`^(${pattern})$`).test(name)) return reason;
    }
    return undefined;
}

function compare(role, revision, names, found) {
    const faults = [];
    let passed = 0;
    for (const name of names) {
        if (reason_of(role, revision, name)) continue;
        const allowed = expected.known_failures[`${role} ${revision} ${name}`] ?? [];
        if (!(name in found)) faults.push(`${name}: was not run`);
        else if (!expected.passes[`${role} ${revision}`].includes(name))
            faults.push(`${name}: not in the list of what passes`);
        else {
            const failed = [...new Set(found[name] ?? [])].sort();
            if (JSON.stringify(failed) !== JSON.stringify([...allowed].sort()))
                faults.push(`${name}: failed ${failed.join(" ") || "nothing"}, expected ` +
                    (allowed.join(" ") || "nothing"));
            else passed += 1;
        }
    }
    for (const name of expected.passes[`${role} ${revision}`]) {
        if (!names.includes(name)) faults.push(`${name}: the suite has it no more`);
    }
    assert.deepEqual(faults, []);
    return passed;
}

const folder = mkdtempSync(join(tmpdir(), "conformance-"));
try {
    for (const revision of ["2025-11-25", "2026-07-28"]) {
        const server = spawn(programs.server, { stdio: ["pipe", "pipe", "inherit"] });
        try {
            const url = await new Promise((resolve, reject) => {
                createInterface(server.stdout).once("line", resolve);
                server.once("exit", () => reject(new Error("our server ended")));
            });
            await check(`server ${revision}`, async () => {
                const out = join(folder, `server-${revision}`);
                await run("server", "--url", url, "--requirements", revision, "-o", out);
                const count = compare("server", revision, await scenarios(revision, "server"),
                    results(out, "server"));
                console.log(`# server ${revision}: ${count} scenarios as expected`);
            });
        } finally {
            server.stdin.end();
        }
        await check(`client ${revision}`, async () => {
            const out = join(folder, `client-${revision}`);
            const names = await scenarios(revision, "client");
            // One after the other: some measure time.
            for (const name of names) {
                if (reason_of("client", revision, name)) continue;
                await run("client", "--command", programs.client, "--scenario", name,
                    "--spec-version", revision, "--timeout", "30000", "-o", out);
            }
            const count = compare("client", revision, names, results(out, "client"));
            console.log(`# client ${revision}: ${count} scenarios as expected`);
        });
    }
} finally {
    rmSync(folder, { recursive: true, force: true });
}
