import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hasReadableHeader, passesVerify } from "../../src/cleaning/header";
import { fixture, temporaryFolder } from "../helpers";

type Damage = Record<string, { data: string; changes: [number, number][][] }>;
const damage = fixture<Damage>("damage");
const pillow = fixture<Record<string, string>>("verify");

/** The least agreement with Pillow in percent: a header that is itself damaged is judged differently by each reader. */
const AGREEMENT: Record<string, number> = { png: 100, webp: 100, jpg: 94, gif: 94, bmp: 94, tif: 88, avif: 88 };

/** Yields every eleventh truncated copy, half of the changed copies, and the whole file, with their place in the record. */
function* damagedCopies(name: string): Generator<[number, Buffer]> {
	const { data, changes } = damage[name];
	const whole = Buffer.from(data, "base64");
	for (let length = 1; length < whole.length; length += 11) yield [length - 1, whole.subarray(0, length)];
	yield [whole.length - 1, whole];
	for (let i = 0; i < changes.length; i += 2) {
		const bytes = Buffer.from(whole);
		for (const [at, bits] of changes[i]) bytes[at] ^= bits;
		yield [whole.length + i, bytes];
	}
}

test("passesVerify accepts and rejects damaged files as Pillow's verify() does", async () => {
	const folder = temporaryFolder();
	for (const name of Object.keys(damage)) {
		const agreements: boolean[] = [];
		for (const [i, bytes] of damagedCopies(name)) {
			const path = join(folder, `${i}-${name}`);
			writeFileSync(path, bytes);
			const passes = await passesVerify(path);
			agreements.push(passes === (pillow[name][i] === "+"));
			if (passes) assert.ok(await hasReadableHeader(path), path);
			if (bytes.length === i + 1 && i + 1 === Buffer.from(damage[name].data, "base64").length) assert.ok(passes, name);
		}
		const percent = (100 * agreements.filter(Boolean).length) / agreements.length;
		const least = AGREEMENT[name.split(".").at(-1) as string];
		assert.ok(percent >= least, `${name}: ${percent.toFixed(1)} % agree, expected ${least}`);
	}
});

test("a missing file, an empty one and a text have no readable header", async () => {
	const folder = temporaryFolder();
	for (const [name, content] of Object.entries({ "empty.jpg": "", "text.png": "not an image" })) {
		writeFileSync(join(folder, name), content);
		assert.equal(await hasReadableHeader(join(folder, name)), false);
		assert.equal(await passesVerify(join(folder, name)), false);
	}
	assert.equal(await passesVerify(join(folder, "missing.jpg")), false);
	// Opening a pipe would wait forever.
	assert.equal(spawnSync("mkfifo", [join(folder, "pipe.jpg")]).status, 0);
	assert.equal(await passesVerify(join(folder, "pipe.jpg")), false);
});
