import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import sharp from "sharp";
import { cnn } from "../../src/cnn/cnn";
import { type BytesPrediction, bytesPredictor } from "../../src/evaluation/predict-bytes";
import { predictImages } from "../../src/evaluation/predict-images";
import { loadImage } from "../../src/images/decode";
import { imageFolder, temporaryFolder } from "../helpers";

const model = cnn({ inputShape: [16, 16, 3], filters: [4], denseUnits: 4, seed: 1 });
const classNames = ["cats", "dogs"];
const predictor = bytesPredictor(model, { classNames });

const files = [
	"cats/plain.jpg",
	"cats/grey.jpeg",
	"cats/turned.jpg",
	"cats/progressive.jpg",
	"dogs/bitmap.bmp",
	"dogs/puppies/frames.gif",
	"dogs/grey.PNG",
	"dogs/alpha.png",
].map((name) => join(imageFolder, name));
const plain = readFileSync(files[0]);

function assertClose(actual: number[], expected: ArrayLike<number>): void {
	assert.equal(actual.length, expected.length);
	for (const [i, p] of actual.entries()) assert.ok(Math.abs(p - expected[i]) < 1e-5, `${actual} ${expected}`);
}

/** Returns the message of the error that an image gets. */
async function errorOf(bytes: Uint8Array, of = predictor): Promise<string> {
	const [result] = await of.predictBytes([bytes]);
	assert.ok(result instanceof Error);
	return result.message;
}

/** Returns a PNG of nothing but a header that claims a size. */
function hugePng(width: number, height: number): Buffer {
	const header = Buffer.from("89504e470d0a1a0a0000000d4948445200000000000000000802000000", "hex");
	header.writeUInt32BE(width, 16);
	header.writeUInt32BE(height, 20);
	return Buffer.concat([header, Buffer.alloc(16)]);
}

describe("predictBytes", () => {
	for (const temperature of [1, 2.5]) {
		test(`equals predictImages on the same files at temperature ${temperature}`, async () => {
			const expected = await predictImages(model, files, { classNames, temperature });
			const tempered = bytesPredictor(model, { classNames, temperature });
			const results = await tempered.predictBytes(files.map((path) => readFileSync(path)));
			for (const [i, result] of results.entries()) {
				assert.ok(!(result instanceof Error));
				assert.equal(result.label, expected[i].label);
				assertClose(result.probabilities, expected[i].probabilities);
				assert.equal(result.probability, Math.max(...result.probabilities));
			}
		});
	}

	test("reads the formats that sharp decodes, and views of a larger buffer", async () => {
		const path = join(temporaryFolder(), "image.tiff");
		await sharp(plain).tiff({ compression: "lzw" }).toFile(path);
		const [expected] = await predictImages(model, [path], { classNames });
		const bytes = readFileSync(path);
		const view = Buffer.concat([Buffer.alloc(7), bytes, Buffer.alloc(9)]).subarray(7, 7 + bytes.length);
		const avif = await sharp(plain).avif({ lossless: true }).toBuffer();
		const [tiff, other] = (await predictor.predictBytes([view, avif])) as BytesPrediction[];
		assertClose(tiff.probabilities, expected.probabilities);
		assert.equal(other.probabilities.length, 2);
	});

	test("gives the same whatever the number of images, in their order, and leaves no tensors", async () => {
		const [[cat], [dog]] = await Promise.all([0, 6].map((i) => predictor.predictBytes([readFileSync(files[i])])));
		const { numTensors } = tf.memory();
		for (const count of [0, 1, 2, 3, 5, 31, 33, 70]) {
			const images = Array.from({ length: count }, (_, i) => readFileSync(files[i % 3 === 1 ? 6 : 0]));
			const results = (await predictor.predictBytes(images)) as BytesPrediction[];
			assert.equal(results.length, count);
			for (const [i, { probabilities }] of results.entries())
				assertClose(probabilities, ((i % 3 === 1 ? dog : cat) as BytesPrediction).probabilities);
		}
		assert.equal(tf.memory().numTensors, numTensors);
	});

	test("gives errors in the place of images that cannot be read, without the words of a decoder", async () => {
		const heic = Buffer.concat([Buffer.from("\0\0\0\x18ftypheic"), Buffer.alloc(40)]);
		const broken: [Buffer, RegExp][] = [
			[Buffer.alloc(0), /^empty \(0 bytes\)$/],
			[Buffer.from("no image"), /^not an image \(the start of no known format\)$/],
			[heic, /^HEIC is not supported: save it as JPEG or PNG$/],
			[plain.subarray(0, 200), /^the JPEG cannot be decoded: it is truncated or damaged$/],
			[readFileSync(files[6]).subarray(0, 60), /^the PNG cannot be decoded: it is truncated or damaged$/],
			[Buffer.from("GIF89a"), /^the GIF cannot be decoded: it is truncated or damaged$/],
			[Buffer.from("II*\0\x08\0\0\0"), /^the TIFF cannot be decoded: it is truncated or damaged$/],
		];
		const results = await predictor.predictBytes([plain, ...broken.map(([bytes]) => bytes), plain]);
		assert.equal(results.length, broken.length + 2);
		for (const [i, [, message]] of broken.entries()) assert.match((results[i + 1] as Error).message, message);
		assert.deepEqual(results.at(-1), results[0]);
	});

	test("rejects images by the size in their header", async () => {
		const message = "too large (3600.0 megapixels): expected at most 100";
		assert.equal(await errorOf(hugePng(60_000, 60_000)), message);
		assert.match(await errorOf(hugePng(1, 2 ** 31)), /^too large \(2147\.5 megapixels\)/);
		// Within the limit, it is decoded, and has no pixels.
		assert.match(await errorOf(hugePng(100, 100)), /cannot be decoded/);
		const small = bytesPredictor(model, { classNames, maxPixels: 100 });
		const image = sharp({ create: { width: 11, height: 10, channels: 3, background: "red" } });
		const transparent = image.clone().ensureAlpha(0.5);
		for (const bytes of await Promise.all([
			image.clone().jpeg().toBuffer(),
			image.clone().gif().toBuffer(),
			image.clone().webp().toBuffer(),
			transparent.webp({ lossless: true }).toBuffer(),
			image.clone().tiff().toBuffer(),
			image.clone().avif().toBuffer(),
			Promise.resolve(readFileSync(files[4])),
		]))
			assert.match(await errorOf(bytes, small), /^too large \(0\.0 megapixels\): expected at most 0\.0001$/);
		const fits = sharp({ create: { width: 10, height: 10, channels: 3, background: "red" } });
		assert.ok(!((await small.predictBytes([await fits.webp().toBuffer()]))[0] instanceof Error));
	});
});

describe("predictPixels", () => {
	test("equals predictBytes on the pixels of the same images, and the model's own predictions", async () => {
		const paths = [files[0], files[6], files[7]];
		const tensors = await Promise.all(paths.map((path) => loadImage(path, { imageSize: [16, 16] })));
		const batch = tf.stack(tensors);
		const rows = predictor.predictPixels(batch.dataSync<"float32">());
		const expected = (await predictor.predictBytes(paths.map((path) => readFileSync(path)))) as BytesPrediction[];
		const own = (model.predict(batch) as tf.Tensor).arraySync() as number[][];
		for (const [i, row] of rows.entries()) {
			assertClose(row, expected[i].probabilities);
			assertClose(row, own[i]);
		}
		assert.deepEqual(predictor.predictPixels(new Float32Array(0)), []);
	});

	test("throws when pixels are left over or outside of 0–255", () => {
		assert.throws(() => predictor.predictPixels(new Float32Array(769)), /769 pixel values: expected a multiple of 768/);
		for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -1, 255.5]) {
			const pixels = new Float32Array(2 * 768).fill(value, 1000, 1001);
			const message = new RegExp(`^Error: a pixel has the value ${value}: expected 0 to 255$`);
			assert.throws(() => predictor.predictPixels(pixels), message);
		}
	});

	test("an image for which the outputs are no probabilities gets an error, and others their predictions", () => {
		const overflowing = cnn({ inputShape: [16, 16, 3], filters: [4], denseUnits: 4, seed: 1 });
		// Kernels that only black images do not overflow in.
		overflowing.setWeights(overflowing.getWeights().map(({ shape }) => tf.fill(shape, shape.length > 1 ? 1e13 : 0)));
		const white = bytesPredictor(overflowing, { classNames });
		const [black, error] = white.classify([new Float32Array(768), new Float32Array(768).fill(255)]);
		assert.ok(!(black instanceof Error) && error instanceof Error);
		assert.match(error.message, /^the network's outputs for this image are no probabilities: train a new model$/);
	});
});

test("a predictor needs the model's classes", () => {
	const untrained = cnn({ inputShape: [16, 16, 3], filters: [4], denseUnits: 4, seed: 1 });
	assert.throws(() => bytesPredictor(untrained), /^Error: the model does not know its classes: pass classNames/);
	assert.throws(() => bytesPredictor(untrained, { classNames: ["a", "b", "c"] }), /2 outputs, but there are 3 classes/);
});
