// Damaged files of all formats: cleaning, data sets and loadImage must agree about them. Images of fixtures/record_formats.py.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { verifyImages } from "../../src/cleaning/verify";
import { loadImage, type ReadOptions, readImages, resolveDecodeOptions } from "../../src/images/decode";
import { readOrientation } from "../../src/images/orientation";
import { imageProperties } from "../../src/images/properties";
import { fixture, randomIntegers, temporaryFolder } from "../helpers";

type Files = Record<string, { data: string }>;
const { images, orientations } = fixture<{ images: Files; orientations: Files }>("formats");

const random = randomIntegers(20);

/** Truncates bytes, or changes up to four of them, half of these in the header. */
function damaged(whole: Buffer, truncate: boolean): Buffer {
	if (truncate) return whole.subarray(0, 1 + random(whole.length - 1));
	const bytes = Buffer.from(whole);
	for (let changes = 1 + random(4); changes > 0; changes--) {
		const at = random(random(2) ? bytes.length : Math.min(100, bytes.length));
		bytes[at] = random(3) ? random(256) : [0, 1, 127, 255][random(4)];
	}
	return bytes;
}

function writeDamagedFiles(copies: number): string[] {
	const folder = temporaryFolder();
	const paths: string[] = [];
	for (const [name, { data }] of Object.entries({ ...images, ...orientations })) {
		for (let i = 0; i < copies; i++) {
			const path = join(folder, `${i}-${name}`);
			writeFileSync(path, damaged(Buffer.from(data, "base64"), i % 3 === 0));
			paths.push(path);
		}
	}
	return paths;
}

/** Returns the pixels, or null when the file cannot be read. */
async function load(path: string, options: ReadOptions): Promise<Float32Array | null> {
	try {
		const image = await loadImage(path, options);
		const pixels = image.dataSync<"float32">();
		image.dispose();
		return pixels;
	} catch {
		return null;
	}
}

test("what cleaning keeps of damaged files is read in each colour mode, alike by data sets and loadImage", async (context) => {
	const paths = writeDamagedFiles(6);
	const kept = new Set<string>();
	for await (const { path, reason } of verifyImages(paths)) if (!reason) kept.add(path);
	const wrong: string[] = [];
	for (const colorMode of ["rgb", "grayscale", "rgba"] as const) {
		const options = { imageSize: [5, 7] as [number, number], colorMode, applyOrientation: true };
		const reader = readImages(paths, resolveDecodeOptions(options));
		for (const path of paths) {
			const batch = await reader.next().then(
				(pixels) => pixels.slice(),
				() => null,
			);
			const single = await load(path, options);
			if (kept.has(path) && !single) wrong.push(`${path} is kept, but not read as ${colorMode}`);
			if (!batch !== !single) wrong.push(`${path} is read by ${batch ? "data sets" : "loadImage"} only, ${colorMode}`);
			if (batch && single) assert.deepEqual(batch, single, `${path}, ${colorMode}`);
		}
		reader.stop();
	}
	for await (const { path, orientation } of imageProperties(paths)) {
		kept.delete(path);
		assert.ok(orientation >= 1 && orientation <= 8, path);
	}
	for (const path of kept) wrong.push(`${path} is kept, but findIssues skips it`);
	for (const path of paths) assert.ok(readOrientation(path) >= 1);
	context.diagnostic(`${paths.length} damaged files, ${wrong.length} disagreements`);
	assert.deepEqual(wrong, []);
});
