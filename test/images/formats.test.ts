// Which pixels are read of images of all formats, depths and colour spaces: recorded by fixtures/record_formats.py.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import sharp from "sharp";
import { verifyImages } from "../../src/cleaning/verify";
import { imageDatasetFromFiles } from "../../src/datasets/dataset";
import { loadImage, type ReadOptions } from "../../src/images/decode";
import { imageProperties } from "../../src/images/properties";
import { fixture, temporaryFolder } from "../helpers";

type ColorMode = NonNullable<ReadOptions["colorMode"]>;
const MODES: ColorMode[] = ["rgb", "grayscale", "rgba"];
/** `values` is null where no pixels are right, as of floating-point numbers. */
type Recorded = { data: string; pixels: Record<ColorMode, { oracle: string; values: string | null }> };
type Turned = { data: string; orientation: number; stored: string; turned: string; size: [number, number] };
const { images, orientations } = fixture<{
	images: Record<string, Recorded>;
	orientations: Record<string, Turned>;
}>("formats");
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, "base64"));

/** Files that are set aside as unsupported. Everything else is read. */
const UNSUPPORTED = [
	...["palette1-old-header.bmp", "palette4-old-header.bmp", "palette8-old-header.bmp", "rgb24-old-header.bmp"],
	...["odd-masks32.bmp", "rle8.bmp", "rgb16.bmp"],
	...["i1.tif", "i2.tif", "i4.tif", "u4.tif", "f4.tif", "f8.tif", "f4-rgb.tif"],
	...["white-is-zero16.tif", "cmyk16.tif", "lab8.tif", "five-channels8.tif", "ycbcr-raw.tif"],
];

/**
 * The largest difference from the recorded pixels. TensorFlow, lossless formats and own conversions give them exactly. Decoders
 * of AV1 round differently, and either repeat or interpolate the colours of subsampled images, which here change steeply.
 */
function toleranceOf(name: string): number {
	if (name === "subsampled.avif") return 24;
	return name.endsWith(".avif") ? 2 : 0;
}

function worstDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
	assert.equal(actual.length, expected.length);
	let worst = 0;
	for (let i = 0; i < expected.length; i++) worst = Math.max(worst, Math.abs(actual[i] - expected[i]));
	return worst;
}

async function load(path: string, options: ReadOptions): Promise<Float32Array> {
	const image = await loadImage(path, options);
	const values = image.dataSync<"float32">();
	image.dispose();
	return values;
}

/** Reads files as training does: the pixels of each. */
async function read(paths: string[], options: ReadOptions, cache: boolean): Promise<Float32Array[]> {
	const files = paths.map((path) => ({ path, label: 0 }));
	const rest = { classNames: ["a"], batchSize: 16, shuffle: false, verbose: false };
	const batches = await imageDatasetFromFiles(files, { ...options, ...rest, cache }).toArray();
	const images = batches.flatMap(({ xs }) => xs.unstack().map((image) => image.dataSync<"float32">()));
	for (const { xs, ys } of batches) tf.dispose([xs, ys]);
	return images;
}

function writeFiles(files: Record<string, { data: string }>): string[] {
	const folder = temporaryFolder();
	return Object.entries(files).map(([name, { data }]) => {
		const path = join(folder, name);
		writeFileSync(path, bytesOf(data));
		return path;
	});
}

describe("images of each format, depth and colour space", async () => {
	const names = Object.keys(images);
	const paths = writeFiles(images);
	const aside: string[] = [];
	for await (const { path, reason, detail } of verifyImages(paths)) {
		if (!reason) continue;
		assert.equal(reason, "unsupported format", `${path}: ${detail}`);
		aside.push(names[paths.indexOf(path)]);
	}
	const size: ReadOptions = { imageSize: [6, 8] };

	test("those with other depths or colour spaces are set aside as unsupported, and nothing else", () => {
		assert.deepEqual(aside.sort(), [...UNSUPPORTED].sort());
	});

	test("all others have the recorded pixels in each colour mode", async (context) => {
		const counts = { right: 0, "set aside": 0 };
		const wrong: string[] = [];
		for (const [i, path] of paths.entries()) {
			for (const colorMode of MODES) {
				const { values } = images[names[i]].pixels[colorMode];
				if (aside.includes(names[i])) {
					counts["set aside"]++;
					continue;
				}
				const actual = await load(path, { ...size, colorMode });
				const worst = values ? worstDifference(actual, bytesOf(values)) : Number.POSITIVE_INFINITY;
				if (worst <= toleranceOf(names[i])) counts.right++;
				else wrong.push(`${names[i]}, ${colorMode}: differs by ${worst}`);
			}
		}
		context.diagnostic(`${counts.right} cells right, ${counts["set aside"]} set aside, ${wrong.length} wrong`);
		assert.deepEqual(wrong, []);
	});

	test("findIssues measures all others, and none has an orientation", async () => {
		const measured: string[] = [];
		for await (const { path, width, height, orientation } of imageProperties(paths)) {
			assert.deepEqual([width, height, orientation], [8, 6, 1], path);
			measured.push(names[paths.indexOf(path)]);
		}
		assert.deepEqual([...measured, ...aside].sort(), [...names].sort());
	});

	test("batches, cached or not, have the pixels of loadImage", async () => {
		const kept = paths.filter((_, i) => !aside.includes(names[i]));
		for (const colorMode of MODES) {
			const options = { colorMode, imageSize: [5, 9] as [number, number] };
			const [exact, rounded] = [await read(kept, options, false), await read(kept, options, true)];
			for (const [i, path] of kept.entries()) {
				const expected = await load(path, options);
				assert.deepEqual(exact[i], expected, `${path}, ${colorMode}`);
				assert.ok(worstDifference(rounded[i], expected) <= 0.5, `${path}, ${colorMode}, cached`);
			}
		}
	});

	test("AVIF of 10 and 12 bits has its upper eight", async () => {
		const ramp = Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => 4 * (Math.floor(i / 3) % 64));
		const path = join(temporaryFolder(), "deep.avif");
		for (const bitdepth of [10, 12] as const) {
			const image = sharp(ramp, { raw: { width: 64, height: 48, channels: 3 } });
			await image.avif({ bitdepth, quality: 90, chromaSubsampling: "4:4:4" }).toFile(path);
			assert.ok(worstDifference(await load(path, { imageSize: [48, 64] }), ramp) <= 3);
		}
	});
});

describe("EXIF orientations 1–8 of JPEG, PNG, WebP, AVIF and TIFF", () => {
	const paths = writeFiles(orientations);
	const recorded = Object.values(orientations);

	test("are read by findIssues", async () => {
		const found: Record<string, number> = {};
		for await (const { path, orientation } of imageProperties(paths)) found[basename(path)] = orientation;
		const expected = Object.entries(orientations).map(([name, { orientation }]) => [name, orientation]);
		assert.deepEqual(found, Object.fromEntries(expected));
	});

	test("are ignored by default", async () => {
		for (const [i, path] of paths.entries()) {
			const actual = await load(path, { imageSize: [6, 8] });
			assert.ok(worstDifference(actual, bytesOf(recorded[i].stored)) <= toleranceOf(path), path);
		}
	});

	test("are applied by applyOrientation as by Pillow's exif_transpose, in batches too", async () => {
		for (const colorMode of MODES) {
			for (const [i, path] of paths.entries()) {
				const options = { imageSize: recorded[i].size, applyOrientation: true, colorMode };
				const actual = await load(path, options);
				if (colorMode === "rgb") {
					assert.ok(worstDifference(actual, bytesOf(recorded[i].turned)) <= toleranceOf(path), path);
				}
			}
			const options = { imageSize: [7, 5] as [number, number], applyOrientation: true, colorMode };
			const [exact, rounded] = [await read(paths, options, false), await read(paths, options, true)];
			for (const [i, path] of paths.entries()) {
				const expected = await load(path, options);
				assert.deepEqual(exact[i], expected, path);
				assert.ok(worstDifference(rounded[i], expected) <= 0.5, path);
			}
		}
	});
});
