import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import sharp from "sharp";
import { type Pixels, type ReadOptions, readImages, resolveDecodeOptions } from "../../src/images/decode";
import { decodeFiles } from "../../src/images/decode-graph";
import { randomIntegers, temporaryFolder } from "../helpers";

/** Widths and heights: wide, tall, square, and sides that no target size divides. */
const sizes = [
	[37, 23],
	[23, 37],
	[30, 30],
	[64, 5],
	[41, 40],
];

/** Writes the same pixels as PNG, which the graph decodes, and in formats that are decoded one by one. */
async function writeImages(folder: string): Promise<{ png: string[]; others: string[] }> {
	const [png, others]: string[][] = [[], []];
	const random = randomIntegers(7);
	for (const [width, height] of sizes) {
		const pixels = Uint8Array.from({ length: width * height * 3 }, () => random(256));
		const image = sharp(pixels, { raw: { width, height, channels: 3 } });
		const path = join(folder, `${width}x${height}`);
		await image.clone().png().toFile(`${path}.png`);
		await image.clone().tiff({ compression: "none" }).toFile(`${path}.tiff`);
		// TensorFlow decodes WebP unless it has transparency.
		await image.clone().ensureAlpha(0.9).webp({ lossless: true }).toFile(`${path}.webp`);
		png.push(`${path}.png`, `${path}.png`);
		others.push(`${path}.tiff`, `${path}.webp`);
	}
	return { png, others };
}

async function read(paths: string[], options: ReadOptions, packed: boolean): Promise<Pixels[]> {
	const reader = readImages(paths, resolveDecodeOptions(options, packed));
	const images: Pixels[] = [];
	for (const _ of paths) images.push((await reader.next()).slice());
	reader.stop();
	return images;
}

describe("the graph and JavaScript decode the same pixels", async () => {
	const { png, others } = await writeImages(temporaryFolder());
	const targets: [number, number][] = [
		[31, 9],
		[5, 7],
	];

	test("each file is decoded by the implementation that is compared", () => {
		const decoding = resolveDecodeOptions({ imageSize: [8, 8] });
		for (const [paths, isByGraph] of [
			[png, true],
			[others, false],
		] as const) {
			const decoder = decodeFiles([...paths], decoding, { isJpeg: false, orientation: 1 });
			for (const path of paths) assert.equal(decoder.next() !== null, isByGraph, path);
			decoder.stop();
		}
	});

	for (const cropToAspectRatio of [false, true]) {
		for (const packed of [false, true]) {
			const title = `${cropToAspectRatio ? "centre crop" : "no crop"}, ${packed ? "packed bytes" : "floats"}`;
			test(title, async () => {
				for (const imageSize of targets) {
					for (const interpolation of ["bilinear", "nearest"] as const) {
						const options = { imageSize, cropToAspectRatio, interpolation };
						const [graph, javaScript] = [await read(png, options, packed), await read(others, options, packed)];
						for (const [i, pixels] of graph.entries()) {
							assert.deepEqual(javaScript[i], pixels, `${others[i]}, ${JSON.stringify(options)}`);
						}
					}
				}
			});
		}
	}

	test("packed bytes are the rounded floats, padded with zeros", async () => {
		for (const paths of [png, others]) {
			const options = { imageSize: [5, 7] as [number, number], cropToAspectRatio: true };
			const [floats, packed] = [await read(paths, options, false), await read(paths, options, true)];
			for (const [i, pixels] of packed.entries()) {
				const bytes = [...new Uint8Array((pixels as Int32Array).buffer)];
				// 5 × 7 × 3 = 105 bytes need 27 int32, of which three bytes are padding.
				assert.equal(bytes.length, 108);
				assert.deepEqual(bytes, [...Uint8ClampedArray.from(floats[i]), 0, 0, 0]);
			}
		}
	});
});

test("options that are none are errors that name the value and those there are", () => {
	const resolve = (options: object) => () => resolveDecodeOptions(options);
	assert.throws(resolve({ colorMode: "grey" }), /^Error: colorMode is grey: expected grayscale, rgb, rgba$/);
	assert.throws(resolve({ colorMode: "constructor" }), /expected grayscale, rgb, rgba/);
	assert.throws(
		resolve({ interpolation: "bicubic" }),
		/^Error: interpolation is bicubic: expected bilinear or nearest$/,
	);
	assert.throws(resolve({ imageSize: [0, 5] }), /imageHeight/);
});

test("missing files and folders are errors of their own, also when their header is looked at first", async () => {
	const [good, missing] = [join(temporaryFolder(), "good.png"), "/no/such/file.jpg"];
	await sharp({ create: { width: 3, height: 2, channels: 3, background: "red" } })
		.png()
		.toFile(good);
	const reader = readImages(
		[missing, good, temporaryFolder()],
		resolveDecodeOptions({ imageSize: [1, 1], colorMode: "rgba", applyOrientation: true }),
	);
	await assert.rejects(reader.next(), /ENOENT/);
	assert.deepEqual([...(await reader.next())], [255, 0, 0, 255]);
	await assert.rejects(reader.next(), /not a regular file/);
	reader.stop();
});
