import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { augmented, dataAugmentation } from "../../src/augmentation/augment";
import { cnn } from "../../src/cnn/cnn";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { evaluate } from "../../src/evaluation/evaluate";
import { compile } from "../../src/training/compile";
import { EvaluateAfterEpoch } from "../../src/training/evaluate-after-epoch";
import { train } from "../../src/training/train";
import { imageFolder } from "../helpers";

const options = { imageSize: [30, 30] as [number, number], batchSize: 3, seed: 1, verbose: false };

/** Trains with dropout, augmentation and shuffling; evaluates the same dataset after each epoch if `fast` is given. */
async function run(fast?: boolean) {
	const data = imageDatasetFromDirectory(imageFolder, options);
	const model = cnn({
		inputShape: [30, 30, 3],
		filters: [4, 4],
		denseUnits: 8,
		dropout: 0.5,
		rescaling: 1 / 255,
		seed: 1,
	});
	compile(model, 0.003);
	const after = new EvaluateAfterEpoch(data);
	const evaluated: { loss: number; accuracy: number }[] = [];
	const oracle = new tf.CustomCallback({
		onEpochEnd: async () => {
			evaluated.push(await evaluate(model, imageDatasetFromDirectory(imageFolder, options)));
		},
	});
	const callbacks = fast === undefined ? [] : [after, oracle];
	const validationData = imageDatasetFromDirectory(imageFolder, options);
	const training = augmented(data, dataAugmentation(30, 1));
	const history = await train(model, training, { validationData, epochs: 3, fast, callbacks, onProgress: null });
	const weights = model.getWeights().map((weight) => [...weight.dataSync()]);
	model.dispose();
	return { history: { ...history, seconds: 0 }, weights, after, evaluated };
}

test("the values after each epoch are those of evaluate, and training is not disturbed", async () => {
	const undisturbed = await run();
	for (const fast of [true, false]) {
		const { history, weights, after, evaluated } = await run(fast);
		assert.equal(after.acc.length, 3);
		for (const [epoch, { loss, accuracy }] of evaluated.entries()) {
			assert.ok(Math.abs(after.loss[epoch] - loss) < 1e-5, `${after.loss[epoch]}, not ${loss}`);
			assert.ok(Math.abs(after.acc[epoch] - accuracy) < 1e-6);
			// The validation images are the same files here.
			assert.ok(Math.abs(after.loss[epoch] - history.valLoss[epoch]) < 1e-5);
		}
		if (!fast) continue;
		assert.deepEqual(history, undisturbed.history);
		assert.deepEqual(weights, undisturbed.weights);
	}
});

test("evaluation after each epoch leaves no tensors behind", async () => {
	const leftBy = async (fast?: boolean) => {
		await run(fast);
		const before = tf.memory().numTensors;
		await run(fast);
		return tf.memory().numTensors - before;
	};
	assert.equal(await leftBy(true), await leftBy());
});

test("outside of train the callback says where it belongs", async () => {
	const callback = new EvaluateAfterEpoch(imageDatasetFromDirectory(imageFolder, options));
	await assert.rejects(callback.onEpochEnd(), /EvaluateAfterEpoch is a callback of train/);
});
