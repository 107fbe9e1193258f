import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import sharp from "sharp";
import { cleanTheData, ensureClean, quarantined, quarantinePath, restore, verifyImage } from "../src/cleaning";
import { SPLITS } from "../src/datasets";
import { copyOfPictures, fixture, pictures, printed, root, temporaryFolder } from "./fixtures";

const files = (folder: string) =>
	readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile() && entry.name !== "manifest.jsonl")
		.map((entry) =>
			createHash("sha256")
				.update(readFileSync(join(entry.path, entry.name)))
				.digest("hex"),
		)
		.sort();
const good = readFileSync(join(pictures, "cats", "plain.jpg"));

/** Puts one file of each kind of damage into a folder of good pictures. */
function damage(folder: string): string[] {
	const broken: Record<string, Buffer | string> = {
		"cats/empty.jpg": "",
		"cats/cut short.jpg": good.subarray(0, good.length - 40),
		"dogs/puppies/text.png": "<html>not found</html>",
		"dogs/header\n.jpeg": Buffer.concat([Buffer.from([0, 0, 0]), good.subarray(3)]),
	};
	for (const [name, content] of Object.entries(broken)) writeFileSync(join(folder, name), content);
	return Object.keys(broken);
}

describe("cleanTheData", () => {
	test("removes what cannot be decoded, with its messages, and nothing else", async () => {
		const folder = copyOfPictures();
		const before = files(folder);
		const broken = damage(folder);
		let cleaned = 0;
		const text = await printed(async () => {
			cleaned = await cleanTheData(folder);
		});
		assert.equal(cleaned, 4);
		assert.equal(text.match(/^Removing corrupt image: /gm)?.length, 4);
		assert.ok(text.includes(`Removing corrupt image: ${join(folder, "cats/empty.jpg")} (empty: 0 bytes)`));
		assert.ok(text.endsWith("\nCleaned 4 corrupt images"));
		assert.deepEqual(files(folder), before);
		assert.deepEqual(
			quarantined(folder)
				.map(({ path }) => path)
				.sort(),
			broken.sort(),
		);
		const reasons = Object.fromEntries(quarantined(folder).map(({ path, reason }) => [path, reason]));
		assert.equal(reasons["cats/empty.jpg"], "empty");
		assert.equal(reasons["cats/cut short.jpg"], "truncated");
		assert.equal(reasons["dogs/puppies/text.png"], "not an image");
		assert.equal(await cleanQuietly(folder), 0);
	});

	test("restore brings all back, some back, and never writes over a file", async () => {
		const folder = copyOfPictures();
		damage(folder);
		const before = files(folder);
		await cleanQuietly(folder);
		assert.equal(restore(folder, ["cats/empty.jpg"]), 1);
		assert.ok(existsSync(join(folder, "cats/empty.jpg")));
		writeFileSync(join(folder, "cats/cut short.jpg"), "a new file");
		assert.equal(restore(folder), 2);
		assert.equal(readFileSync(join(folder, "cats/cut short.jpg"), "utf8"), "a new file");
		assert.deepEqual(
			quarantined(folder).map(({ path }) => path),
			["cats/cut short.jpg"],
		);
		writeFileSync(join(folder, "cats/cut short.jpg"), good.subarray(0, good.length - 40));
		assert.deepEqual(files(folder), before);
	});

	test("dryRun changes nothing; permanently deletes", async () => {
		const folder = copyOfPictures();
		const clean = files(folder);
		damage(folder);
		const before = files(folder);
		assert.equal(await cleanQuietly(folder, { dryRun: true }), 4);
		assert.deepEqual(files(folder), before);
		assert.equal(await cleanQuietly(folder, { permanently: true }), 4);
		assert.deepEqual(files(folder), clean);
		assert.deepEqual(quarantined(folder), []);
	});

	test("goes round neither links to folders nor pipes, and sets broken links aside", async () => {
		const folder = copyOfPictures();
		symlinkSync(folder, join(folder, "cats", "loop"));
		symlinkSync("nowhere.jpg", join(folder, "cats", "dangling.jpg"));
		assert.equal(await cleanQuietly(folder), 1);
		assert.ok(existsSync(join(folder, "cats", "loop", "dogs")));
	});

	test("loses no file when it is killed, and a second run finishes", async () => {
		const folder = copyOfPictures();
		for (let i = 0; i < 300; i++) writeFileSync(join(folder, "cats", `empty ${i}.jpg`), String(i));
		const before = files(folder);
		for (const delay of [5, 20, 60]) {
			const script = `require("tsx/cjs"); const { cleanTheData } = require("./src/cleaning"); console.log("ready"); cleanTheData(process.argv[1]);`;
			const child = spawn("node", ["-e", script, folder], { cwd: root, stdio: ["ignore", "pipe", "ignore"] });
			await new Promise((ready) => child.stdout.once("data", ready));
			await new Promise((wait) => setTimeout(wait, delay));
			child.kill("SIGKILL");
			await new Promise((exit) => child.once("exit", exit));
		}
		await cleanQuietly(folder);
		const aside = quarantined(folder);
		assert.equal(aside.length, 300);
		for (const file of aside) assert.ok(existsSync(quarantinePath(folder, file)));
		restore(folder);
		assert.deepEqual(files(folder), before);
	});

	test("says which folder it cannot find", async () => {
		await assert.rejects(cleanTheData("/no/such/folder"), /cannot clean \/no\/such\/folder: there is no such folder/);
	});
});

test("the verdict on damaged files: what is kept decodes in training; what both Pillow and TensorFlow load is kept", async () => {
	type Damage = { file: string; kind: "cut" | "flip"; at: number; tensorflow: boolean; pillow: boolean };
	const folder = temporaryFolder();
	const wrong: string[] = [];
	for (const { file, kind, at, tensorflow, pillow } of fixture<Damage[]>("damage")) {
		const bytes = Buffer.from(readFileSync(join(pictures, file)));
		if (kind === "flip") bytes[at] ^= 0xff;
		const path = join(folder, `damaged${file.slice(file.lastIndexOf("."))}`);
		writeFileSync(path, kind === "cut" ? bytes.subarray(0, at) : bytes);
		const verdict = await verifyImage(path);
		if (!verdict && !tensorflow) wrong.push(`kept, though TensorFlow fails: ${file} ${kind} ${at}`);
		// sharp is stricter with data that decode to a picture with a wrong spot: TensorFlow and Pillow do not notice.
		if (verdict && tensorflow && pillow && kind === "cut")
			wrong.push(`removed, though it loads: ${file} ${kind} ${at} (${verdict.detail})`);
	}
	assert.deepEqual(wrong, []);
});

test("a decompression bomb is refused without being decoded", async () => {
	const path = join(temporaryFolder(), "bomb.png");
	const side = 30000;
	const png = await sharp({ create: { width: side, height: 1, channels: 3, background: "black" } })
		.png()
		.toBuffer();
	png.writeUInt32BE(side, 20); // the header now promises 30000 rows
	writeFileSync(path, png);
	assert.equal((await verifyImage(path))?.reason, "too large");
});

test("ensureClean cleans once, and again when files have come", async () => {
	const [dataset, artifacts] = [temporaryFolder(), temporaryFolder()];
	for (const split of SPLITS) cpSync(pictures, join(dataset, split), { recursive: true });
	writeFileSync(join(dataset, "test", "cats", "broken.jpg"), "broken");
	const messages = (clean: () => unknown) => printed(clean).then((text) => text.match(/Cleaned/g)?.length ?? 0);
	assert.equal(await messages(() => ensureClean(dataset, artifacts)), 3);
	assert.equal(await messages(() => ensureClean(dataset, artifacts)), 0);
	writeFileSync(join(dataset, "train", "dogs", "new.jpg"), "broken too");
	assert.equal(await messages(() => ensureClean(dataset, artifacts)), 3);
	const record = await ensureClean(dataset, artifacts);
	assert.equal(record.removed, 2);
	assert.equal(
		record.counts.reduce((total, { pictures }) => total + pictures, 0),
		24,
	);
});

test("verifying leaves no tensor", async () => {
	const before = tf.memory().numTensors;
	for (const file of ["cats/plain.jpg", "dogs/bitmap.bmp", "dogs/puppies/frames.gif"]) {
		assert.equal(await verifyImage(join(pictures, file)), null);
	}
	assert.equal(tf.memory().numTensors, before);
});

async function cleanQuietly(folder: string, options = {}): Promise<number> {
	let cleaned = 0;
	await printed(async () => {
		cleaned = await cleanTheData(folder, options);
	});
	return cleaned;
}
