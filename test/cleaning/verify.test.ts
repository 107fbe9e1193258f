import assert from "node:assert/strict";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import sharp from "sharp";
import { type Reason, verifyImage, verifyImages } from "../../src/cleaning/verify";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { loadImage } from "../../src/images/decode";
import { readHead } from "../../src/images/formats";
import { fixture, imageFolder, randomIntegers, temporaryFolder } from "../helpers";

/** A file that is truncated at every byte and changed in many ways; `T` and `P` for each result that TensorFlow and Pillow load. */
type Damage = { data: string; changes: [number, number][][]; tensorflow: string; pillow: string };

describe("verification of damaged files", () => {
	for (const [name, { data, changes, tensorflow, pillow }] of Object.entries(
		fixture<Record<string, Damage>>("damage"),
	)) {
		test(`${name}: training reads all kept files, and files that TensorFlow and Pillow load are kept`, async () => {
			const whole = Buffer.from(data, "base64");
			const damaged = Array.from({ length: whole.length }, (_, i) => whole.subarray(0, i + 1));
			for (const change of changes) {
				const bytes = Buffer.from(whole);
				for (const [at, bits] of change) bytes[at] ^= bits;
				damaged.push(bytes);
			}
			const folder = temporaryFolder();
			const paths = damaged.map((_, i) => join(folder, `${i}${extname(name)}`));
			paths.forEach((path, i) => {
				writeFileSync(path, damaged[i]);
			});
			const wrong: string[] = [];
			const kept: number[] = [];
			for await (const { path, reason, detail } of verifyImages(paths)) {
				const i = paths.indexOf(path);
				if (!reason) kept.push(i);
				else if (tensorflow[i] === "T" && pillow[i] === "P") wrong.push(`removed, though it loads: ${i} (${detail})`);
			}
			for (const i of kept) {
				// Only for formats that TensorFlow decodes.
				if (tensorflow.includes("T") && tensorflow[i] !== "T") wrong.push(`kept, though TensorFlow fails: ${i}`);
				(await loadImage(paths[i], { imageSize: [8, 8] })).dispose();
			}
			assert.deepEqual(wrong, []);
			assert.ok(kept.includes(whole.length - 1), "the whole file is kept");
			assert.ok(kept.length < paths.length, "some damage is found");
		});
	}
});

test("kept files of any format and extension are read in batches, in their order", async () => {
	const folder = temporaryFolder();
	const damage = fixture<Record<string, Damage>>("damage");
	for (const label of ["a", "b"]) {
		mkdirSync(join(folder, label));
		for (const [name, { data }] of Object.entries(damage)) {
			writeFileSync(join(folder, label, name), Buffer.from(data, "base64"));
			writeFileSync(join(folder, label, `${name}.jpg`), Buffer.from(data, "base64"));
		}
	}
	const options = { imageSize: [8, 8] as [number, number], batchSize: 5, shuffle: false, verbose: false };
	for (const cache of [true, false]) {
		const data = imageDatasetFromDirectory(folder, { ...options, cache });
		const batches = await data.toArray();
		const xs = tf.concat(batches.map((batch) => batch.xs));
		assert.equal(xs.shape[0], 44);
		for (const [i, path] of data.filePaths.entries()) {
			const [expected, image] = [await loadImage(path, options), xs.slice([i, 0, 0, 0], [1, -1, -1, -1])];
			const difference = tf.tidy(() => image.squeeze([0]).sub(expected).abs().max().dataSync()[0]);
			assert.ok(difference <= (cache ? 0.501 : 0.001), `${path}: ${difference}`);
			tf.dispose([expected, image]);
		}
		tf.dispose([batches, xs]);
	}
});

describe("the reason of", () => {
	const folder = temporaryFolder();
	const jpeg = readFileSync(join(imageFolder, "cats", "plain.jpg"));
	const png = readFileSync(join(imageFolder, "dogs", "alpha.png"));
	const damaged = Buffer.from(png).fill(0, 60, 80);
	const cases: [string, Buffer | string, Reason | null][] = [
		["empty.jpg", "", "empty"],
		["page.png", "<html>not found</html>", "not an image"],
		["cut.jpg", jpeg.subarray(0, jpeg.length - 40), "truncated"],
		["start.jpg", jpeg.subarray(0, 100), "truncated"],
		["cut.png", png.subarray(0, png.length - 20), "truncated"],
		["damaged.png", damaged, "damaged data"],
		["heic.jpg", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"), "unsupported format"],
		["layers.png", Buffer.from("8BPS\0\x01"), "unsupported format"],
		["png.jpg", png, null],
		["extra bytes.jpg", Buffer.concat([jpeg, Buffer.alloc(20)]), null],
	];
	for (const [name, content, expected] of cases) {
		test(`${name}: ${expected ?? "kept"}`, async () => {
			const path = join(folder, name);
			writeFileSync(path, content);
			assert.equal((await verifyImage(path))?.reason ?? null, expected);
		});
	}

	test("missing and special files: unreadable", async () => {
		assert.equal((await verifyImage(join(folder, "missing.jpg")))?.reason, "unreadable");
		assert.equal((await verifyImage("/dev/null"))?.reason, "unreadable");
	});
});

describe("decompression bombs are rejected without being decoded:", () => {
	const folder = temporaryFolder();
	const assertRejected = async (name: string, bytes: Buffer) => {
		const path = join(folder, name);
		writeFileSync(path, bytes);
		const before = process.memoryUsage().rss;
		assert.equal((await verifyImage(path))?.reason, "too large");
		assert.ok(process.memoryUsage().rss - before < 100e6);
	};
	const row = sharp({ create: { width: 30000, height: 1, channels: 3, background: "black" } });

	test("PNG", async () => {
		const bytes = await row.clone().png().toBuffer();
		bytes.writeUInt32BE(30000, 20); // the height in the header
		await assertRejected("bomb.png", bytes);
	});

	test("JPEG, with a long header before its size", async () => {
		const bytes = await row.clone().jpeg({ progressive: true }).toBuffer();
		bytes.writeUInt16BE(30000, bytes.indexOf(Buffer.from([0xff, 0xc2])) + 5);
		const comment = Buffer.alloc(60000, 0x20);
		comment.set([0xff, 0xfe, (comment.length - 2) >> 8, (comment.length - 2) & 0xff]);
		await assertRejected("bomb.jpg", Buffer.concat([bytes.subarray(0, 2), comment, bytes.subarray(2)]));
	});

	test("GIF, by its frames", async () => {
		// A frame of 16,000 × 16,000 pixels takes 256 MB; there are three, on a canvas of one pixel.
		const header = Buffer.from("GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff", "latin1");
		const frame = Buffer.from("\x2c\0\0\0\0\x80\x3e\x80\x3e\0\x02\x02\x4c\x01\0", "latin1");
		await assertRejected("bomb.gif", Buffer.concat([header, frame, frame, frame, Buffer.from(";")]));
	});

	test("TIFF, by sharp", async () => {
		const bytes = await row.clone().resize(15000, 1, { fit: "fill" }).tiff({ compression: "deflate" }).toBuffer();
		// The value of tag 257, the height.
		const tag = bytes.indexOf(Buffer.from([0x01, 0x01, 0x03, 0x00]));
		bytes.writeUInt16LE(15000, tag + 8);
		await assertRejected("bomb.tif", bytes);
	});
});

test("lossless WebP is kept, whatever its data, where lossy WebP has its size", async () => {
	const folder = temporaryFolder();
	const random = randomIntegers(1);
	const noise = Uint8Array.from({ length: 100 * 8 * 6 * 3 }, () => random(256));
	const paths: string[] = [];
	for (let i = 0; i < 100; i++) {
		const pixels = noise.subarray(144 * i, 144 * (i + 1));
		paths.push(join(folder, `${i}.webp`));
		await sharp(pixels, { raw: { width: 8, height: 6, channels: 3 } })
			.webp({ lossless: true })
			.toFile(paths[i]);
	}
	for await (const { path, reason, detail } of verifyImages(paths)) assert.equal(reason, null, `${path}: ${detail}`);
});

test("a file of more than 1 GiB is too large: it is not read", async () => {
	const path = join(temporaryFolder(), "large.jpg");
	writeFileSync(path, readFileSync(join(imageFolder, "cats", "plain.jpg")));
	truncateSync(path, 2 ** 30 + 1);
	assert.deepEqual(await verifyImage(path), { reason: "too large", detail: "1073741825 bytes" });
	await assert.rejects(loadImage(path), /has 1073741825 bytes/);
});

test("readHead returns the size of formats that TensorFlow decodes", async () => {
	const sizes = Object.entries({
		"cats/plain.jpg": [40, 30],
		"cats/progressive.jpg": [31, 47],
		"dogs/alpha.png": [20, 30],
		"dogs/bitmap.bmp": [24, 24],
		"dogs/puppies/frames.gif": [26, 18],
	});
	for (const [name, expected] of sizes) {
		const { size } = readHead(join(imageFolder, name));
		assert.deepEqual([size?.width, size?.height], expected, name);
	}
	const path = join(temporaryFolder(), "lossy.webp");
	writeFileSync(path, Buffer.from(fixture<Record<string, Damage>>("damage")["lossy.webp"].data, "base64"));
	assert.deepEqual(readHead(path).size, { width: 24, height: 18, pixels: 432 });
});

test("verification leaks no tensors", async () => {
	const before = tf.memory().numTensors;
	for (const file of ["cats/plain.jpg", "dogs/bitmap.bmp", "dogs/puppies/frames.gif"]) {
		assert.equal(await verifyImage(join(imageFolder, file)), null);
	}
	assert.equal(tf.memory().numTensors, before);
});
