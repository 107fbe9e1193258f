// What the page decodes and resizes are the pixels of training, bit for bit: TensorFlow's.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import sharp from "sharp";
import { filesIn } from "../../src/images/folders";
import { decodeImageBytes } from "../../src/tensorflow/image-operations";
import { decodeJpeg } from "../../src/web/jpeg";
import { decodePng } from "../../src/web/png";
import { type Rows, resizeBilinear } from "../../src/web/rows";
import { fixture, imageFolder, randomIntegers } from "../helpers";

const jpegs = Object.entries(fixture<Record<string, string>>("jpegs")).map(
	([name, data]) => [name, Buffer.from(data, "base64")] as const,
);
const recorded = Object.entries(fixture<{ images: Record<string, { data: string }> }>("formats").images).map(
	([name, { data }]) => [name, Buffer.from(data, "base64")] as const,
);
const committed = [...filesIn(imageFolder)].map((path) => [path, readFileSync(path)] as const);
const filesWith = (start: number[]) =>
	[...recorded, ...committed].filter(([, bytes]) => start.every((byte, i) => bytes[i] === byte));

const MOST = 1e6;
const pixelsOf = ({ height, row }: Rows) => Array.from({ length: height }, (_, y) => [...row(y)]).flat();
const byTensorFlow = (bytes: Uint8Array, channels: number) => tf.tidy(() => decodeImageBytes(bytes, channels));

/** Checks the pixels of a file in each number of channels that TensorFlow decodes it to. */
function assertSame(bytes: Uint8Array, channels: number[], decode: (channels: never) => Rows | null): number {
	let compared = 0;
	for (const count of channels) {
		let expected: tf.Tensor3D;
		try {
			expected = byTensorFlow(bytes, count);
		} catch {
			continue;
		}
		const rows = decode(count as never);
		assert.ok(rows);
		assert.deepEqual([rows.height, rows.width, rows.channels], expected.shape);
		assert.deepEqual(pixelsOf(rows), [...expected.dataSync()], `${count} channels`);
		compared++;
	}
	return compared;
}

describe("JPEG", () => {
	for (const [name, bytes] of [...jpegs, ...filesWith([0xff, 0xd8, 0xff])]) {
		if (name === "arithmetic") continue;
		test(`${name}: the pixels of TensorFlow's fast inverse DCT`, (t) => {
			const compared = assertSame(bytes, [1, 3], (channels) => decodeJpeg(bytes, channels, MOST));
			if (compared === 0) t.skip("TensorFlow does not decode it");
		});
	}

	test("noise, in which every coefficient counts", async () => {
		const noise = Uint8Array.from({ length: 97 * 61 * 3 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24);
		for (const quality of [1, 30, 85, 100]) {
			const image = sharp(noise, { raw: { width: 97, height: 61, channels: 3 } });
			const bytes = await image.jpeg({ quality, progressive: quality === 85 }).toBuffer();
			assertSame(bytes, [1, 3], (channels) => decodeJpeg(bytes, channels, MOST));
		}
	});

	test("arithmetic coding is left to the browser", () => {
		const [, bytes] = jpegs.find(([name]) => name === "arithmetic") as (typeof jpegs)[number];
		assert.equal(decodeJpeg(bytes, 3, MOST), null);
	});

	test("truncated and damaged files end in a sentence, and never in a hang or a crash", () => {
		const random = randomIntegers(3);
		for (const [name, whole] of jpegs) {
			if (name === "arithmetic") continue;
			assert.throws(() => decodeJpeg(whole.subarray(0, whole.length / 2), 3, MOST), /^Error: the JPEG is damaged: /);
			for (let i = 0; i < 40; i++) {
				const bytes = Uint8Array.from(whole);
				for (let k = 0; k < 3; k++) bytes[2 + random(bytes.length - 2)] = random(256);
				try {
					const rows = decodeJpeg(bytes, 3, MOST);
					if (rows) for (let y = 0; y < rows.height; y++) rows.row(y);
				} catch (error) {
					assert.match(String(error), /^(Error: the JPEG is damaged: |RangeError: \d+ × \d+ pixels)/);
				}
			}
		}
	});
});

describe("PNG", () => {
	for (const [name, bytes] of filesWith([0x89, 0x50, 0x4e, 0x47])) {
		test(`${name}: the pixels of TensorFlow's libpng`, (t) => {
			const compared = assertSame(bytes, [1, 3, 4], (channels) => decodePng(bytes, channels, MOST));
			if (compared === 0) t.skip("TensorFlow does not decode it");
		});
	}

	test("truncated files and large ones end in a sentence", () => {
		const [, bytes] = filesWith([0x89, 0x50, 0x4e, 0x47])[0];
		for (const length of [8, 30, bytes.length / 2])
			assert.throws(() => decodePng(bytes.subarray(0, length), 3, MOST), /^Error: the PNG is damaged: /);
		assert.throws(() => decodePng(bytes, 3, 10), /^RangeError: \d+ × \d+ pixels are more than/);
	});
});

test("resizing is TensorFlow's ResizeBilinear, to smaller and larger images", () => {
	for (const [width, height, channels] of [
		[53, 37, 3],
		[200, 3, 1],
		[7, 91, 4],
		[1, 1, 3],
	]) {
		const values = Uint8ClampedArray.from(
			{ length: width * height * channels },
			(_, i) => Math.imul(i, 2654435761) >>> 24,
		);
		const line = width * channels;
		const rows = { width, height, channels, row: (y: number) => values.subarray(y * line, (y + 1) * line) };
		for (const size of [
			[64, 64],
			[17, 90],
			[1, 1],
		] as [number, number][]) {
			const image = tf.tensor3d(Float32Array.from(values), [height, width, channels]);
			const expected = tf.image.resizeBilinear(image, size, false, true).dataSync();
			const got = resizeBilinear(rows, size);
			for (const [i, value] of expected.entries())
				assert.ok(Math.abs(got[i] - value) < 1e-3, `${got[i]}, not ${value}`);
		}
	}
});
