import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";
import { evaluate } from "../../src/evaluation/evaluate";
import { compile } from "../../src/training/compile";
import type { Progress } from "../../src/training/history";
import { train } from "../../src/training/train";
import { fixture, printed } from "../helpers";
import { assertClose, batchesOf, type Recorded, toTensor } from "../tensors";

type KerasTraining = {
	xs: Recorded;
	ys: Recorded;
	weights: Recorded[];
	evaluated: { loss: number; accuracy: number };
	stepLosses: number[];
	trained: Recorded;
	trainedWeights: Recorded[];
};
const keras = fixture<KerasTraining>("training");
const small = { inputShape: [16, 16, 3] as [number, number, number], filters: [4, 8], denseUnits: 6, seed: 3 };

describe("with Keras's weights and batch", () => {
	const build = () => {
		const model = cnn({ ...small, classes: 3, dropout: 0 });
		model.setWeights(keras.weights.map(toTensor));
		compile(model);
		return model;
	};
	const data = () => batchesOf(toTensor(keras.xs), toTensor(keras.ys), 10);

	test("evaluation gives Keras's loss and accuracy", async () => {
		const { loss, accuracy } = await evaluate(build(), data());
		assert.ok(Math.abs(loss - keras.evaluated.loss) < 1e-4 * keras.evaluated.loss, `${loss}`);
		assert.ok(Math.abs(accuracy - keras.evaluated.accuracy) < 1e-6);
	});

	test("three Adam steps give Keras's losses, weights and predictions", async () => {
		const model = build();
		const { loss } = await train(model, data(), { epochs: 3, onProgress: null });
		loss.forEach((value, i) => {
			assert.ok(Math.abs(value - keras.stepLosses[i]) < 1e-4 * keras.stepLosses[i], `step ${i}: ${value}`);
		});
		model.getWeights().forEach((weight, i) => {
			assertClose(weight, keras.trainedWeights[i], 1e-5, `weights ${i}`);
		});
		assertClose(model.predict(toTensor(keras.xs)) as tf.Tensor, keras.trained, 1e-4, "predictions");
	});
});

test("a class with probability zero has a gradient, as in Keras", async () => {
	const model = tf.sequential({
		layers: [tf.layers.dense({ units: 2, activation: "softmax", inputShape: [1], useBias: false })],
	});
	model.setWeights([tf.tensor2d([[500, -500]])]);
	compile(model, 1);
	const data = () => batchesOf(tf.ones([1, 1]), tf.ones([1]), 1);
	assert.equal((await evaluate(model, data())).loss, 1000);
	await train(model, data(), { epochs: 1, onProgress: null });
	assert.deepEqual([...model.getWeights()[0].dataSync()].map(Math.round), [499, -499]);
});

test("progress is reported after each batch, and by default printed as one line per epoch", async () => {
	const model = cnn(small);
	compile(model);
	const data = batchesOf(tf.zeros([5, 16, 16, 3]), tf.zeros([5]), 2);
	const seen: string[] = [];
	await train(model, data, {
		epochs: 2,
		onProgress: ({ epoch, batch, batches, done }: Progress) =>
			seen.push(`${epoch}:${batch}/${batches}${done ? " done" : ""}`),
	});
	assert.deepEqual([...new Set(seen)], ["1:1/3", "1:2/3", "1:3/3", "2:1/3", "2:2/3", "2:3/3", "2:3/3 done"]);
	const text = await printed(() => train(model, data, { epochs: 2 }));
	assert.match(text, /^Epoch 1\/2 {2}loss \d+\.\d{4} {2}acc \d\.\d{4}\nEpoch 2\/2 [^\n]*$/);
});
