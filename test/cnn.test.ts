import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn, summary } from "../src/cnn";
import { fixture } from "./fixtures";

const recorded = fixture<{ rows: { type: string; outputShape: string; parameters: number }[]; parameters: number }>(
	"summary",
);

test("the default network has Keras's layers, shapes and parameters", () => {
	const model = cnn();
	const rows = summary(model).map(({ type, outputShape, parameters }) => ({ type, outputShape, parameters }));
	assert.deepEqual(rows, recorded.rows);
	assert.equal(model.countParams(), recorded.parameters);
	assert.ok(Math.abs(summary(model).reduce((total, { share }) => total + Number.parseFloat(share), 0) - 100) < 0.5);
});

test("the first weights are Glorot uniform, and repeat with the seed", () => {
	const weights = (seed: number) => cnn({ seed, filters: [8, 16] }).getWeights();
	const same = (a: tf.Tensor[], b: tf.Tensor[]) => a.every((w, i) => w.equal(b[i]).all().dataSync()[0] === 1);
	assert.ok(same(weights(1), weights(1)));
	assert.ok(!same(weights(1), weights(2)));
	const [kernel, bias] = weights(1);
	const limit = Math.sqrt(6 / (9 * 3 + 9 * 8));
	const greatest = kernel.abs().max().dataSync()[0];
	assert.ok(greatest <= limit && greatest > 0.9 * limit);
	assert.equal(bias.abs().max().dataSync()[0], 0);
});

test("options change the network as their names say", () => {
	const types = (model: tf.Sequential) => summary(model).map(({ type }) => type);
	assert.equal(types(cnn({ batchNormalization: true })).filter((type) => type === "BatchNormalization").length, 4);
	const averaged = cnn({ globalAveragePooling: true, classes: 5 });
	assert.ok(types(averaged).includes("GlobalAveragePooling2D") && !types(averaged).includes("Flatten"));
	assert.deepEqual(averaged.outputs[0].shape, [null, 5]);
	assert.deepEqual(types(cnn({ filters: [4] })).slice(0, 2), ["Conv2D", "MaxPooling2D"]);
});

test("dropout draws another mask on each call, and the same ones with the same seed", () => {
	const outputs = () => {
		const layer = cnn({ inputShape: [46, 46, 3], seed: 9 }).layers.find(
			(l) => l.getClassName() === "Dropout",
		) as tf.layers.Layer;
		const ones = tf.ones([1, 64]);
		return [1, 2].map(() => [...(layer.apply(ones, { training: true }) as tf.Tensor).dataSync()]);
	};
	const [first, second] = outputs();
	assert.notDeepEqual(first, second);
	assert.deepEqual(outputs(), [first, second]);
});

test("says why a network cannot be built", () => {
	assert.throws(() => cnn({ inputShape: [45, 64, 3] }), /45×64 are too small for 4 blocks: use 46 or more/);
	assert.doesNotThrow(() => cnn({ inputShape: [46, 46, 3] }));
	assert.throws(() => cnn({ classes: 1 }), /classes is 1: expected 2 or more/);
	assert.throws(() => cnn({ dropout: 1 }), /dropout is 1/);
});
