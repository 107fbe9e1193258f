import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { describe, test } from "node:test";
import { cleanTheData } from "../../src/cleaning/clean";
import { moveToQuarantine, quarantined, quarantinePath, restore } from "../../src/cleaning/quarantine";
import { contents, copyOfImages, printed, root, temporaryFolder } from "../helpers";

process.env.XDG_CACHE_HOME = temporaryFolder();
const why = { reason: "truncated", detail: "the end of the JPEG is missing" } as const;

/** A folder with three files, `cats/0.jpg` to `cats/2.jpg`. */
function folderOfThree(): string {
	const folder = join(temporaryFolder(), "train");
	mkdirSync(join(folder, "cats"), { recursive: true });
	for (const i of [0, 1, 2]) writeFileSync(join(folder, "cats", `${i}.jpg`), `file ${i}`);
	return folder;
}

describe("the quarantine", () => {
	test("records files in the manifest, with size and hash", async () => {
		const folder = folderOfThree();
		const before = Date.now();
		await moveToQuarantine(folder, join(folder, "cats", "1.jpg"), why);
		const [{ time, ...recorded }] = quarantined(folder);
		const sha256 = createHash("sha256").update("file 1").digest("hex");
		assert.deepEqual(recorded, { path: "cats/1.jpg", ...why, bytes: 6, sha256, file: "cats/1.jpg" });
		assert.ok(Date.parse(time) >= before);
		assert.equal(readFileSync(quarantinePath(folder, quarantined(folder)[0]), "utf8"), "file 1");
		assert.ok(!existsSync(join(folder, "cats", "1.jpg")));
	});

	test("restore moves all or some files back, and never overwrites a file", async () => {
		const folder = folderOfThree();
		const all = contents(folder);
		for (const i of [0, 1, 2]) await moveToQuarantine(folder, join(folder, "cats", `${i}.jpg`), why);
		assert.equal(restore(folder, ["cats/0.jpg"]), 1);
		assert.equal(readFileSync(join(folder, "cats", "0.jpg"), "utf8"), "file 0");
		writeFileSync(join(folder, "cats", "1.jpg"), "a new file");
		symlinkSync("nowhere", join(folder, "cats", "2.jpg"));
		assert.equal(restore(folder), 0);
		assert.equal(readFileSync(join(folder, "cats", "1.jpg"), "utf8"), "a new file");
		renameSync(join(folder, "cats", "1.jpg"), join(folder, "cats", "new.jpg"));
		renameSync(join(folder, "cats", "2.jpg"), join(folder, "cats", "link.jpg"));
		assert.equal(restore(folder), 2);
		assert.deepEqual(quarantined(folder), []);
		assert.deepEqual(
			contents(folder).filter((hash) => all.includes(hash)),
			all,
		);
	});

	test("accepts a second file of the same name, and restores the first one first", async () => {
		const folder = folderOfThree();
		const path = join(folder, "cats", "1.jpg");
		await moveToQuarantine(folder, path, why);
		writeFileSync(path, "another");
		await moveToQuarantine(folder, path, why);
		assert.deepEqual(
			quarantined(folder).map(({ file }) => file),
			["cats/1.jpg", "cats/1 (2).jpg"],
		);
		assert.equal(restore(folder), 1);
		assert.equal(readFileSync(path, "utf8"), "file 1");
		assert.equal(quarantined(folder)[0].path, "cats/1.jpg");
	});

	test("a manifest whose last line was truncated by a full disk stays usable", async () => {
		const folder = folderOfThree();
		await moveToQuarantine(folder, join(folder, "cats", "0.jpg"), why);
		appendFileSync(join(folder, "..", "quarantine", "train", "manifest.jsonl"), '{"path":"cats/1.j');
		assert.equal(quarantined(folder).length, 1);
		await moveToQuarantine(folder, join(folder, "cats", "2.jpg"), why);
		assert.deepEqual(
			quarantined(folder).map(({ path }) => path),
			["cats/0.jpg", "cats/2.jpg"],
		);
	});

	test("is next to the target of a linked folder, so that moves are atomic", async () => {
		const folder = folderOfThree();
		const link = join(temporaryFolder(), "train");
		symlinkSync(folder, link);
		await moveToQuarantine(link, join(link, "cats", "0.jpg"), why);
		assert.ok(existsSync(join(folder, "..", "quarantine", "train", "cats", "0.jpg")));
		assert.equal(restore(link), 1);
	});
});

test("a run that is killed at any moment loses nothing, and the next run resumes", async () => {
	const folder = copyOfImages();
	for (let i = 0; i < 400; i++) writeFileSync(join(folder, "cats", `broken ${i}.jpg`), `not an image ${i}`);
	const all = contents(join(folder, ".."));
	for (const delay of [5, 20, 60, 160]) {
		await killed(`cleanTheData(${JSON.stringify(folder)})`, delay);
		assert.deepEqual(contents(join(folder, "..")), all);
	}
	await printed(() => cleanTheData(folder));
	assert.equal(quarantined(folder).length, 400);
	assert.deepEqual(contents(join(folder, "..")), all);
	for (const delay of [1, 5]) {
		await killed(`restore(${JSON.stringify(folder)})`, delay);
		assert.deepEqual(contents(join(folder, "..")), all);
	}
	restore(folder);
	assert.deepEqual(contents(folder), all);
	assert.deepEqual(quarantined(folder), []);
});

test("two runs at once remove each file once, and neither fails", async () => {
	const folder = copyOfImages();
	for (let i = 0; i < 300; i++) writeFileSync(join(folder, "cats", `broken ${i}.jpg`), `not an image ${i}`);
	const all = contents(join(folder, ".."));
	const runs = [1, 2, 3].map(async () => {
		const code = `cleanTheData(${JSON.stringify(folder)}).then((removed) => console.log("removed", removed))`;
		const child = start(code);
		let output = "";
		for await (const text of child.stdout as Readable) output += text;
		assert.equal(child.exitCode ?? (await once(child, "exit"))[0], 0, output);
		return Number(/removed (\d+)/.exec(output)?.[1]);
	});
	const removed = await Promise.all(runs);
	assert.equal(
		removed.reduce((sum, count) => sum + count),
		300,
	);
	assert.equal(quarantined(folder).filter(({ sha256 }) => sha256).length, 300);
	assert.deepEqual(contents(join(folder, "..")), all);
});

/** Starts code in a process that prints "ready" first. */
function start(code: string) {
	const script = `require("tsx/cjs"); const { cleanTheData, restore } = require("./src/cleaning"); console.log("ready"); setImmediate(() => ${code});`;
	return spawn(process.execPath, ["-e", script], { cwd: root, stdio: ["ignore", "pipe", "ignore"] });
}

/** Starts code in a process and kills it after `delay` milliseconds. */
async function killed(code: string, delay: number): Promise<void> {
	const child = start(code);
	const exited = once(child, "exit");
	await once(child.stdout as Readable, "data");
	await new Promise((wait) => setTimeout(wait, delay));
	child.kill("SIGKILL");
	await exited;
}
