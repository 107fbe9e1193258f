import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";
import { evaluate, predict } from "../../src/evaluation/evaluate";
import { gradCam } from "../../src/evaluation/gradcam";
import { predictImages } from "../../src/evaluation/predict-images";
import { setLearningRate } from "../../src/tensorflow/layers-model";
import { restoreCheckpoint } from "../../src/training/checkpoint";
import { compile } from "../../src/training/compile";
import { EarlyStopping } from "../../src/training/early-stopping";
import type { Progress } from "../../src/training/history";
import { findLearningRate } from "../../src/training/learning-rate-finder";
import { ReduceLROnPlateau } from "../../src/training/reduce-lr-on-plateau";
import { train } from "../../src/training/train";
import { imageFolder, temporaryFolder } from "../helpers";
import { batchesOf } from "../tensors";

const images = tf.randomUniform([6, 12, 12, 3], 0, 255, "float32", 5) as tf.Tensor4D;
const labels = tf.tensor1d([0, 1, 0, 1, 1, 0]);
const data = (size = 2) => batchesOf(images, labels, size);

function build(rate: number): tf.Sequential {
	const model = cnn({ inputShape: [12, 12, 3], filters: [4], denseUnits: 4, dropout: 0, seed: 3 });
	compile(model, rate);
	return model;
}

/** Returns a network without ReLU, which can hide that its input is NaN. */
function linear(optimizer: tf.Optimizer): tf.Sequential {
	const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
	const layers = [
		tf.layers.flatten({ inputShape: [12, 12, 3] }),
		tf.layers.dense({ units: 2, activation: "softmax", kernelInitializer }),
	];
	const model = tf.sequential({ layers });
	model.compile({ optimizer, loss: "sparseCategoricalCrossentropy", metrics: ["accuracy"] });
	return model;
}

const weightsOf = (model: tf.LayersModel) => model.getWeights().map((weight) => Array.from(weight.dataSync()));
const hasNumbers = (model: tf.LayersModel) => weightsOf(model).flat().every(Number.isFinite);
/** Returns a network with NaN in one layer; in the first one ReLU and pooling can hide it. */
const nanModel = (layer: number) => {
	const model = build(0.001);
	const weights = model.layers[layer].getWeights();
	model.layers[layer].setWeights(weights.map((weight) => tf.fill(weight.shape, Number.NaN)));
	return model;
};
/** Raises the learning rate so far after an epoch that the next step ends training. */
const diverging = (afterEpoch: number) => {
	return new (class extends tf.Callback {
		override async onEpochEnd(epoch: number) {
			if (epoch === afterEpoch) setLearningRate(this.model as tf.LayersModel, 1e37);
		}
	})();
};
const silent = { onProgress: null };

for (const fast of [true, false]) {
	describe(`training that diverges, fast: ${fast}`, () => {
		test("ends with the epoch and the learning rate", async () => {
			const seen: number[] = [];
			const onProgress = ({ loss, history }: Progress) => seen.push(loss, ...history.loss);
			const run = train(linear(tf.train.adam(1e37)), data(), { epochs: 3, fast, onProgress });
			await assert.rejects(run, /^Error: the loss is not a number since epoch 1: lower learningRate \(1e\+37\)$/);
			assert.ok(seen.every(Number.isFinite), "progress shows numbers only");
		});
		test("in validation", async () => {
			const run = train(linear(tf.train.sgd(1e37)), data(6), { epochs: 3, fast, validationData: data(), ...silent });
			await assert.rejects(run, /the validation loss is not a number since epoch 1: lower learningRate/);
		});
		test("in the last step, after the last loss", async () => {
			const run = train(linear(tf.train.sgd(1e38)), data(6), { epochs: 1, fast, ...silent });
			await assert.rejects(run, /the weights are not numbers since epoch 1: lower learningRate/);
		});
		test("keeps the best weights and the last good backup", async () => {
			const backup = join(temporaryFolder(), "backup");
			const model = linear(tf.train.sgd(1e-7));
			const best: number[][][] = [];
			const remember = new tf.CustomCallback({
				onEpochEnd: async () => void best.push(weightsOf(model)),
			});
			const stopping = new EarlyStopping({ patience: 9, restoreBestWeights: true });
			const callbacks = [stopping, remember, diverging(1)];
			const run = train(model, data(), { epochs: 9, fast, validationData: data(), callbacks, backup, ...silent });
			await assert.rejects(run, (error: Error) => {
				assert.match(
					error.message,
					/since epoch 3: lower learningRate \(1e\+37\), and remove \S+backup to train from the start/,
				);
				return true;
			});
			assert.equal(best.length, 2);
			assert.deepEqual(weightsOf(model), best[stopping.bestEpoch]);
			assert.ok(Number.isFinite((await evaluate(model, data(), { fast })).loss));
			const restored = linear(tf.train.sgd(1e-7));
			const state = await restoreCheckpoint(backup, restored);
			assert.equal(state?.epoch, 2);
			assert.deepEqual(weightsOf(restored), best[1]);
		});
		test("pixels that are not numbers are not blamed on the learning rate", async () => {
			const broken = batchesOf(tf.fill([6, 12, 12, 3], Number.NaN), labels, 3);
			const run = train(linear(tf.train.sgd(0.001)), broken, { epochs: 1, fast, ...silent });
			await assert.rejects(run, /the loss is not a number before the first step: the pixels, labels or weights/);
			// ReLU and max pooling make a number of NaN.
			const hidden = train(build(0.001), broken, { epochs: 1, fast, ...silent });
			await assert.rejects(hidden, /(before the first step: the pixels|or look for pixels that are none)/);
		});
	});
}

test("training that diverges leaves no more tensors than another error", async () => {
	const run = async () => {
		const model = build(1e30);
		await assert.rejects(train(model, data(), { callbacks: [new EarlyStopping({ monitor: "loss" })], ...silent }));
		model.dispose();
	};
	await run();
	const { numTensors } = tf.memory();
	await run();
	assert.ok(tf.memory().numTensors - numTensors <= 4, `${tf.memory().numTensors - numTensors} tensors`);
});

describe("a value that is not a number is never the best:", () => {
	const values = [Number.NaN, 3, Number.NEGATIVE_INFINITY, 2, Number.NaN, 4];
	const follow = async (callback: EarlyStopping | ReduceLROnPlateau) => {
		const model = build(1);
		callback.setModel(model);
		await callback.onTrainBegin();
		for (const [epoch, value] of values.entries()) {
			model.setWeights(model.getWeights().map((weight) => tf.fill(weight.shape, epoch)));
			await callback.onEpochEnd(epoch, { val_loss: value });
		}
		await callback.onTrainEnd();
		return model;
	};
	test("EarlyStopping", async () => {
		const stopping = new EarlyStopping({ patience: 9, restoreBestWeights: true });
		const model = await follow(stopping);
		assert.equal(stopping.bestEpoch, 3);
		assert.equal(weightsOf(model)[0][0], 3);
	});
	test("ReduceLROnPlateau", async () => {
		const model = await follow(new ReduceLROnPlateau({ patience: 2 }));
		// Better in epochs 1 and 3, so reduced after epoch 5.
		assert.ok(Math.abs((model.optimizer as unknown as { learningRate: number }).learningRate - 0.1) < 1e-9);
	});
});

test("the learning-rate finder ends where the loss diverges, and leaves a model that trains", async () => {
	const model = build(1e-5);
	await train(model, data(), { epochs: 1, ...silent });
	const other = build(1e-5);
	await train(other, data(), { epochs: 1, ...silent });
	const before = weightsOf(model);
	const { losses, learningRates, suggestion } = await findLearningRate(model, data(), { to: 1e36, steps: 40 });
	assert.ok(losses.length > 2 && losses.length < 40 && losses.every(Number.isFinite));
	assert.ok(suggestion > 0 && suggestion <= learningRates[learningRates.length - 1]);
	assert.deepEqual(weightsOf(model), before);
	const options = { epochs: 2, ...silent };
	assert.deepEqual((await train(model, data(), options)).loss, (await train(other, data(), options)).loss);
	assert.ok(hasNumbers(model));
	await assert.rejects(findLearningRate(nanModel(5), data()), /not a number before the first step/);
});

test("a network whose weights are not numbers is refused in one line", async () => {
	const message = /^Error: the network cannot be used: its weights [^\n]*lower learningRate$/;
	const paths = [join(imageFolder, "cats", "plain.jpg")];
	for (const layer of [0, 5]) {
		const model = nanModel(layer);
		for (const fast of [true, false]) {
			await assert.rejects(predict(model, data(), { fast }), message);
			await assert.rejects(evaluate(model, data(), { fast }), message);
		}
		await assert.rejects(predictImages(model, paths, { classNames: ["cats", "dogs"] }), message);
		assert.throws(() => gradCam(model, images), message);
	}
});

test("outputs that are not numbers are refused in one line", async () => {
	const model = linear(tf.train.sgd(1));
	model.setWeights(model.getWeights().map((weight) => tf.fill(weight.shape, 3e38)));
	const message = /^Error: the (network's output|loss) is NaN: [^\n]*lower learningRate$/;
	for (const fast of [true, false]) {
		await assert.rejects(predict(model, data(), { fast }), message);
		await assert.rejects(evaluate(model, data(), { fast }), message);
	}
});
