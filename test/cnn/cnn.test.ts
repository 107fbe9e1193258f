import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn, summary } from "../../src/cnn/cnn";
import { predict } from "../../src/evaluation/evaluate";
import { logLoss } from "../../src/metrics/calibration";
import { compile } from "../../src/training/compile";
import { train } from "../../src/training/train";
import { fixture } from "../helpers";
import { batchesOf } from "../tensors";

const recorded = fixture<{ rows: { type: string; outputShape: string; parameters: number }[]; parameters: number }>(
	"summary",
);

test("the default network has Keras's layers, shapes and parameters", () => {
	const model = cnn();
	const rows = summary(model).map(({ type, outputShape, parameters }) => ({ type, outputShape, parameters }));
	assert.deepEqual(rows, recorded.rows);
	assert.equal(model.countParams(), recorded.parameters);
	assert.ok(Math.abs(summary(model).reduce((total, { percent }) => total + Number.parseFloat(percent), 0) - 100) < 0.5);
});

test("initial weights are Glorot uniform and reproducible by seed", () => {
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

test("options change the layers of the network", () => {
	const types = (model: tf.Sequential) => summary(model).map(({ type }) => type);
	assert.equal(types(cnn({ batchNormalization: true })).filter((type) => type === "BatchNormalization").length, 4);
	const averaged = cnn({ globalAveragePooling: true, classes: 5 });
	assert.ok(types(averaged).includes("GlobalAveragePooling2D") && !types(averaged).includes("Flatten"));
	assert.deepEqual(averaged.outputs[0].shape, [null, 5]);
	assert.deepEqual(types(cnn({ filters: [4] })).slice(0, 2), ["Conv2D", "MaxPooling2D"]);
});

test("rescaling is a first layer that multiplies the pixels, as Keras's Rescaling", () => {
	const small = { inputShape: [12, 12, 3] as [number, number, number], filters: [4], denseUnits: 4, seed: 2 };
	const [plain, rescaled] = [cnn(small), cnn({ ...small, rescaling: 1 / 255 })];
	assert.deepEqual(
		summary(rescaled).map(({ type }) => type),
		["Rescaling", ...summary(plain).map(({ type }) => type)],
	);
	assert.equal(rescaled.countParams(), plain.countParams());
	const pixels = tf.randomUniform([2, 12, 12, 3], 0, 255, "float32", 3);
	const [expected, actual] = [plain.predict(pixels.div(255)), rescaled.predict(pixels)] as tf.Tensor[];
	assert.ok(actual.sub(expected).abs().max().dataSync()[0] < 1e-6);
});

test("momentum of batch normalization is the weight of the past in its moving averages", async () => {
	const pixels = tf.randomUniform([6, 12, 12, 3], 0, 255, "float32", 3);
	const data = batchesOf(pixels, tf.tensor1d([0, 1, 0, 1, 0, 1]), 6);
	for (const momentum of [undefined, 0.9]) {
		const model = cnn({
			inputShape: [12, 12, 3],
			filters: [4],
			denseUnits: 4,
			seed: 2,
			batchNormalization: momentum === undefined ? true : { momentum },
		});
		compile(model);
		const [convolution, normalization] = model.layers;
		const batchMean = (convolution.apply(pixels) as tf.Tensor).mean([0, 1, 2]);
		await train(model, data, { epochs: 1, onProgress: null });
		const movingMean = normalization.getWeights()[2];
		const expected = batchMean.mul(1 - (momentum ?? 0.99));
		assert.ok(movingMean.sub(expected).abs().max().dataSync()[0] < 1e-3);
	}
});

test("separable convolutions have depthwise and pointwise kernels", () => {
	const [, , separable] = summary(cnn({ filters: [8, 16], separable: true }));
	assert.deepEqual([separable.type, separable.parameters], ["SeparableConv2D", 9 * 8 + 8 * 16 + 16]);
});

test("l2 regularizes kernels, not biases", async () => {
	for (const separable of [false, true]) {
		const model = cnn({
			inputShape: [12, 12, 3],
			filters: [4, 4],
			denseUnits: 4,
			dropout: 0,
			l2: 0.1,
			separable,
			seed: 1,
		});
		compile(model);
		const kernels = model.getWeights().filter(({ shape }, i) => shape.length > 1 && !(separable && i === 2));
		const squares = kernels.reduce((total, kernel) => total + kernel.square().sum().dataSync()[0], 0);
		const [xs, ys] = [tf.randomUniform([3, 12, 12, 3], 0, 1, "float32", 2) as tf.Tensor4D, tf.tensor1d([0, 1, 1])];
		const batches = tf.data.array([{ xs, ys }]) as unknown as Parameters<typeof train>[1];
		const { yTrue, probabilities } = await predict(model, batches);
		const { loss } = await train(model, batches, { epochs: 1, onProgress: null });
		const expected = logLoss(yTrue, probabilities) + 0.1 * squares;
		assert.ok(Math.abs(loss[0] - expected) < 1e-4, `${loss[0]}, not ${expected}`);
	}
});

test("dropout draws a different mask on each call, reproducible by seed", () => {
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

test("invalid options are errors that name value and expectation", () => {
	assert.throws(() => cnn({ inputShape: [45, 64, 3] }), /45×64 are too small for 4 blocks: use 46 or more/);
	assert.doesNotThrow(() => cnn({ inputShape: [46, 46, 3] }));
	assert.throws(() => cnn({ classes: 1 }), /classes is 1: expected 2 or more/);
	assert.throws(() => cnn({ dropout: 1 }), /dropout is 1: expected a number of 0 or more and below 1/);
	assert.throws(() => cnn({ l2: -1 }), /l2 is -1: expected 0 or more/);
	assert.throws(() => cnn({ rescaling: 0 }), /rescaling is 0: expected a number above 0, for example 1 \/ 255/);
	assert.throws(() => cnn({ batchNormalization: { momentum: 1 } }), /momentum is 1: expected a number of 0 or more/);
});
