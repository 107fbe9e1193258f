// Common corruptions: those of scikit-image and Pillow.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { CORRUPTIONS, type Corruption, corrupt, corrupted } from "../../src/augmentation/corruptions";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { fixture, imageFolder } from "../helpers";

const {
	size,
	image,
	corrupted: recorded,
} = fixture<{
	size: number;
	image: number[];
	corrupted: Record<string, number[][]>;
}>("corruptions");
const pixels = tf.tensor4d(image, [1, size, size, 3]);
const valuesOf = async (images: tf.Tensor4D, ...args: [Corruption, number, number?]) => {
	const result = await corrupt(images, ...args);
	const values = [...result.dataSync()];
	result.dispose();
	return values;
};

describe("corruptions", () => {
	for (const [name, strengths] of Object.entries(recorded)) {
		test(`${name}: the pixels of scikit-image and Pillow in each strength`, async () => {
			for (const [i, expected] of strengths.entries()) {
				const values = await valuesOf(pixels, name as Corruption, i + 1);
				// Pillow rounds between its two resizings.
				const tolerance = name === "pixelate" ? 1 : 0.502;
				values.forEach((value, k) => {
					assert.ok(
						Math.abs(value - expected[k]) <= tolerance,
						`strength ${i + 1}, value ${k}: ${value}, ${expected[k]}`,
					);
				});
			}
		});
	}

	test("gaussianNoise has the deviation that it says, and the seed decides it", async () => {
		const grey = tf.fill([4, 64, 64, 3], 127) as tf.Tensor4D;
		for (const [severity, deviation] of [
			[1, 0.04],
			[5, 0.1],
		]) {
			const noise = (await valuesOf(grey, "gaussianNoise", severity, 7)).map((value) => (value - 127) / 255);
			const measured = Math.sqrt(noise.reduce((sum, value) => sum + value ** 2, 0) / noise.length);
			assert.ok(Math.abs(measured / deviation - 1) < 0.02, `${measured}`);
		}
		const [a, b, c] = [7, 7, 8].map((seed) => valuesOf(grey, "gaussianNoise", 3, seed));
		assert.deepEqual(await a, await b);
		assert.notDeepEqual(await a, await c);
		grey.dispose();
	});

	test("jpegCompression is what TensorFlow decodes of what it encodes", async () => {
		const [picture] = tf.unstack(pixels.toInt()) as tf.Tensor3D[];
		const file = await tf.node.encodeJpeg(picture, "rgb", 40, false, false, false);
		const expected = [...tf.node.decodeJpeg(file, 3).dataSync()];
		assert.deepEqual(await valuesOf(pixels, "jpegCompression", 5), expected);
	});

	test("stay images: whole numbers in 0–255, and grow with the strength", async () => {
		for (const name of CORRUPTIONS) {
			const changes = [];
			for (const severity of [1, 5]) {
				const values = await valuesOf(pixels, name, severity);
				assert.ok(values.every((value) => Number.isInteger(value) && value >= 0 && value <= 255));
				changes.push(values.reduce((sum, value, i) => sum + Math.abs(value - image[i]), 0));
			}
			assert.ok(changes[0] > 0 && changes[1] > changes[0], `${name}: ${changes}`);
		}
	});

	test("of a dataset keep the labels and leave no tensors behind", async () => {
		const data = imageDatasetFromDirectory(imageFolder, {
			imageSize: [8, 8],
			shuffle: false,
			verbose: false,
			cache: false,
		});
		const [labels, plain] = [[] as number[], data.labels];
		const before = tf.memory().numTensors;
		await corrupted(data, "contrast", 3).forEachAsync((batch) => {
			const { xs, ys } = batch as unknown as { xs: tf.Tensor; ys: tf.Tensor };
			labels.push(...ys.dataSync());
			tf.dispose([xs, ys]);
		});
		assert.deepEqual(labels, plain);
		assert.ok(tf.memory().numTensors <= before + 1);
	});

	test("that do not exist are named", async () => {
		await assert.rejects(corrupt(pixels, "fog" as Corruption, 1), /no corruption fog: expected gaussianNoise, /);
		await assert.rejects(corrupt(pixels, "contrast", 6), /severity is 6: expected a whole number from 1 to 5/);
	});
});
