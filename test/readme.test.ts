// The README's blocks of code run as they stand; its commands exist, with the flags that it uses.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commands, findCommand, help } from "../tools/commands.mjs";
import { parseArguments } from "../tools/run/arguments";
import { imageFolder, root, smallDataset, temporaryFolder } from "./helpers";
import { runCells } from "./kernel/run-cells";

const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = (language: string) =>
	[...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(([, code]) => code);

test("cells run in a kernel, one after another", () => {
	const dataset = smallDataset();
	cpSync(imageFolder, join(dataset, "test"), { recursive: true });
	const cells = blocks("ts");
	assert.ok(cells.length >= 2);
	const results = runCells(
		"ours",
		root,
		cells.map((code) => code.replaceAll("../dataset", dataset)),
	);
	for (const [i, { error }] of results.entries()) assert.equal(error, null, `${cells[i]}\n${error?.evalue}`);
});

test("the search space is one that a sweep takes", () => {
	const [json] = blocks("json");
	const folder = temporaryFolder();
	writeFileSync(join(folder, "sweep.json"), json);
	const args = ["sweep", "sweep.json", "--dataset", smallDataset(), "--folder", "sweeps", "--trials", "1"];
	const { status, stdout, stderr } = spawnSync("node", [join(root, "tools", "cli.mjs"), ...args], {
		env: { ...process.env, INIT_CWD: folder },
		encoding: "utf8",
	});
	assert.equal(status, 0, stdout + stderr);
	assert.match(stdout, /^Best: /m);
});

test("commands exist, with their flags", () => {
	const lines = blocks("sh").flatMap((block) => block.trim().split("\n"));
	assert.ok(lines.length >= 20);
	for (const line of lines) {
		const [call] = line.split(/ +#| > /);
		const [, name, rest = ""] = /^npm (?:run )?(\w+)(?: -- (.*))?$/.exec(call) ?? assert.fail(line);
		const args = rest.split(" ").filter((arg) => arg && arg !== "--help");
		const known = help(findCommand(name));
		for (const flag of args.filter((arg) => arg.startsWith("-"))) assert.ok(known.includes(flag), `${line}: ${flag}`);
		if (commands[name].module === "report/report.ts") parseArguments(args);
	}
});
