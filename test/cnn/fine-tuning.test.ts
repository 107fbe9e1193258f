import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { withClassifier } from "../../src/cnn/backbone";
import { unfreeze } from "../../src/cnn/fine-tuning";
import { withRandomWeights } from "../../src/cnn/random-weights";
import { compile } from "../../src/training/compile";
import { train } from "../../src/training/train";
import { batchesOf } from "../tensors";
import { smallBackbone } from "./small-backbone";

const xs = tf.randomUniform([8, 32, 32, 3], 0, 255, "float32", 1);
const data = batchesOf(xs, tf.tensor1d([0, 1, 0, 1, 1, 0, 1, 0]), 4);
const valuesOf = (layer: tf.layers.Layer) => layer.getWeights().map((weight) => [...weight.dataSync()]);

/** Trains for two epochs, and returns the names of the layers whose weights have changed. */
async function changedBy(model: tf.LayersModel, fast: boolean): Promise<string[]> {
	compile(model, 0.01);
	const before = model.layers.map(valuesOf);
	await train(model, data, { epochs: 2, onProgress: null, fast });
	const isChanged = (layer: tf.layers.Layer, i: number) =>
		JSON.stringify(valuesOf(layer)) !== JSON.stringify(before[i]);
	return model.layers.filter(isChanged).map(({ name }) => name);
}

for (const fast of [true, false]) {
	test(`frozen layers stay as they are in training, batch norms too: ${fast ? "as a graph" : "eagerly"}`, async () => {
		const backbone = smallBackbone();
		for (const layer of backbone.layers) layer.trainable = false;
		const { model } = withClassifier(backbone, 2, { seed: 1 });
		assert.deepEqual(await changedBy(model, fast), ["head"]);
		unfreeze(model, { from: "block2" });
		assert.deepEqual(await changedBy(model, fast), ["block2_dwconv", "head"], "and the batch norm of the block stays");
		unfreeze(model);
		assert.deepEqual(await changedBy(model, fast), ["block1_conv", "block2_dwconv", "head"]);
	});

	test(`frozen layers run in inference mode in training: ${fast ? "as a graph" : "eagerly"}`, async () => {
		const backbone = smallBackbone();
		for (const layer of backbone.layers) layer.trainable = false;
		// Without dropout and steps the loss in training is that of predictions.
		const { model } = withClassifier(backbone, 2, { seed: 1, dropout: 0 });
		compile(model, 1e-12);
		const { loss } = await train(model, data, { epochs: 1, onProgress: null, fast });
		const probabilities = (model.predict(xs) as tf.Tensor2D).arraySync();
		const labels = [0, 1, 0, 1, 1, 0, 1, 0];
		const expected = labels.reduce((sum, label, i) => sum - Math.log(probabilities[i][label]) / 8, 0);
		assert.ok(Math.abs(loss[0] - expected) < 1e-4, `${loss[0]} and ${expected}`);
	});
}

test("a layer that no name begins with is an error", () => {
	assert.throws(
		() => unfreeze(smallBackbone(), { from: "block3" }),
		/the model has no layer block3: its layers begin with/,
	);
});

test("random weights: the same layers, other kernels, the same for the same seed", async () => {
	const model = smallBackbone();
	const [a, b, c] = [
		await withRandomWeights(model, 1),
		await withRandomWeights(model, 1),
		await withRandomWeights(model, 2),
	];
	const kernels = (network: tf.LayersModel) =>
		network
			.getWeights()
			.filter(({ rank }) => rank > 1)
			.map((w) => [...w.dataSync()]);
	assert.deepEqual(
		a.layers.map(({ name }) => name),
		model.layers.map(({ name }) => name),
	);
	assert.deepEqual(kernels(a), kernels(b));
	assert.notDeepEqual(kernels(a), kernels(c));
	assert.notDeepEqual(kernels(a), kernels(model));
	// Batch norms begin with a mean of 0 and a variance of 1.
	assert.deepEqual([...new Set(a.getLayer("block1_bn").getWeights()[2].dataSync())], [0]);
});
