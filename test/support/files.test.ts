import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { writeFileAtomically } from "../../src/support/files";
import { root, temporaryFolder } from "../helpers";

test("several processes write one file, and readers always find one of their contents", async () => {
	const file = join(temporaryFolder(), "made", "shared.json");
	writeFileAtomically(file, "0".repeat(200_000));
	const writers = ["1", "2", "3"].map((digit) => {
		const code = `
			const { writeFileAtomically } = require("./src/support/files");
			for (let i = 0; i < 60; i++) writeFileAtomically(${JSON.stringify(file)}, ${JSON.stringify(digit)}.repeat(200_000));`;
		return spawn(process.execPath, ["--require", "tsx/cjs", "-e", code], {
			cwd: root,
			stdio: ["ignore", "ignore", "pipe"],
		});
	});
	let running = writers.length;
	const ended = writers.map(async (writer) => {
		const [code] = await once(writer, "exit");
		running--;
		assert.equal(code, 0, String(writer.stderr?.read()));
	});
	while (running > 0) {
		const content = readFileSync(file, "utf8");
		assert.equal(content, content[0].repeat(200_000));
		await new Promise((resolve) => setImmediate(resolve));
	}
	await Promise.all(ended);
	assert.deepEqual(readdirSync(join(file, "..")), ["shared.json"]);
});

const small = mkdtempSync(join(tmpdir(), "small-"));
after(() => {
	if (mounted) spawnSync("umount", [small]);
	rmSync(small, { recursive: true });
});
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", small]).status === 0;

test("on a full disk a file stays as it was", { skip: mounted ? false : "a small disk cannot be mounted here" }, () => {
	const file = join(small, "state");
	writeFileAtomically(file, "before");
	assert.throws(() => writeFileAtomically(file, "x".repeat(200_000)), /state cannot be written: the disk is full: 0\.\d MB free, 0\.2 MB needed; /);
	assert.equal(readFileSync(file, "utf8"), "before");
	assert.deepEqual(readdirSync(small), ["state"]);
});

test("what cannot be replaced is named", () => {
	const folder = join(temporaryFolder(), "folder");
	mkdirSync(folder);
	writeFileSync(join(folder, "inside"), "");
	assert.throws(() => writeFileAtomically(folder, "x"), /folder cannot be written: /);
	assert.deepEqual(readdirSync(folder), ["inside"]);
});
