import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";
import { saveQuantized } from "../../src/cnn/quantization";
import { temporaryFolder } from "../helpers";

const backbone = cnn({ inputShape: [16, 16, 3], filters: [4, 6], denseUnits: 4, classes: 4, seed: 1 });

test("quantized weights load with an error of at most half a quantization step", async () => {
	for (const bits of [8, 16] as const) {
		const small = temporaryFolder();
		const bytes = await saveQuantized(backbone, small, bits);
		const loaded = await tf.loadLayersModel(`file://${small}/model.json`);
		const count = backbone.countParams();
		// Biases are all 0: constant tensors stay float32.
		assert.ok(
			bytes >= (count * bits) / 8 && bytes < (count * bits) / 8 + 4 * 30,
			`${bytes} bytes for ${count} weights`,
		);
		backbone.getWeights().forEach((weight, i) => {
			const range = weight.max().sub(weight.min()).dataSync()[0];
			const error = weight.sub(loaded.getWeights()[i]).abs().max().dataSync()[0];
			assert.ok(error <= (range / (2 ** bits - 1) / 2) * 1.01, `${error} of ${range}`);
		});
	}
});

test("the numbers of batch norms and biases stay as they are", async () => {
	const normalized = cnn({
		inputShape: [16, 16, 3],
		filters: [4, 6],
		denseUnits: 4,
		batchNormalization: true,
		seed: 1,
	});
	normalized.setWeights(
		normalized.getWeights().map((weight) => weight.add(tf.randomUniform(weight.shape, 0, 1, "float32", 1))),
	);
	const folder = temporaryFolder();
	await saveQuantized(normalized, folder, 8);
	const loaded = (await tf.loadLayersModel(`file://${folder}/model.json`)).getWeights();
	normalized.getWeights().forEach((weight, i) => {
		const isSame = weight.sub(loaded[i]).abs().max().dataSync()[0] === 0;
		assert.equal(isSame, weight.rank === 1, String(weight.shape));
	});
});

test("weights that are not finite are kept as they are", async () => {
	const folder = temporaryFolder();
	const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [2] })] });
	for (const value of [Number.POSITIVE_INFINITY, Number.NaN]) {
		const kernel = [
			[1, value],
			[2, -3],
		];
		model.setWeights([tf.tensor2d(kernel), tf.tensor1d([0, 1])]);
		await saveQuantized(model, folder, 8);
		const loaded = await tf.loadLayersModel(`file://${folder}/model.json`);
		assert.deepEqual(loaded.getWeights()[0].arraySync(), kernel);
	}
});
