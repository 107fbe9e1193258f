import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { commands } from "../../tools/commands.mjs";
import { root } from "../helpers";

function cli(...args: string[]) {
	const { status, stdout } = spawnSync("node", [join(root, "tools", "cli.mjs"), ...args], { encoding: "utf8" });
	return { status, stdout };
}

describe("npm run doctor", () => {
	type Check = { name: string; ok: boolean; found: string };
	let report: { ok: boolean; checks: Check[] };
	let text: string;
	before(() => {
		const [json, plain] = [cli("doctor", "--json"), cli("doctor")];
		assert.deepEqual([json.status, plain.status], [0, 0], plain.stdout);
		report = JSON.parse(json.stdout);
		text = plain.stdout;
	});

	test("says the same as text and as JSON", () => {
		assert.ok(report.ok && report.checks.every(({ ok }) => ok));
		const lines = report.checks.map(({ name, found }) => `✓ ${name}: ${found}\n`);
		// The free disk space may have changed.
		const isFixed = (line: string) => !line.includes("GB");
		for (const line of lines.filter(isFixed)) assert.ok(text.includes(line), line);
		assert.equal(text.match(/^✓/gm)?.length, report.checks.length);
	});

	test("names the processor and the versions in use", () => {
		const found = Object.fromEntries(report.checks.map(({ name, found }) => [name, found]));
		assert.ok(found.CPU.startsWith(cpus()[0].model), found.CPU);
		assert.match(found.CPU, /; mixed_bfloat16 is (in hardware|emulated, slower)$/);
		assert.ok(found.Node.startsWith(process.versions.node));
		assert.match(found.TensorFlow, /^\d+\.\d+\.\d+; a small convolution on \S+ gives the right result$/);
	});
});

test("no command prints what has no value", () => {
	const calls = [
		["doctor"],
		["doctor", "--json"],
		["setup", "--dry-run"],
		...Object.keys(commands).map((name) => [name, "--help"]),
	];
	for (const args of calls) assert.doesNotMatch(cli(...args).stdout, /\bundefined\b|\bNaN\b|\[object/, args.join(" "));
});
