import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import type { Batch } from "../../src/datasets/types";
import { learningRateOf } from "../../src/tensorflow/layers-model";
import { compile } from "../../src/training/compile";
import { findLearningRate } from "../../src/training/learning-rate-finder";
import { ReduceLROnPlateau } from "../../src/training/reduce-lr-on-plateau";
import { cosineDecay, exponentialDecay, LearningRateScheduler } from "../../src/training/schedules";
import { train } from "../../src/training/train";
import { fixture } from "../helpers";

type Plateau = { losses: number[]; options: Record<string, number>; rates: number[] };
type Recorded = Record<"steps" | "cosine" | "exponential" | "staircase", number[]> & { plateau: Plateau[] };
const recorded = fixture<Recorded>("schedules");

function network(): tf.Sequential {
	const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
	const model = tf.sequential({
		layers: [
			tf.layers.flatten({ inputShape: [2, 2, 1] }),
			tf.layers.dense({ units: 2, activation: "softmax", kernelInitializer }),
		],
	});
	compile(model, 0.001);
	return model;
}

const batches = (count: number) => {
	const [xs, ys] = [
		tf.randomUniform([8, 2, 2, 1], 0, 1, "float32", 1) as tf.Tensor4D,
		tf.tensor1d([0, 1, 0, 1, 1, 0, 1, 0]),
	];
	const data = tf.data.generator(function* (): Generator<Batch> {
		for (let i = 0; i < count; i++) yield { xs: xs.clone(), ys: ys.clone() };
	});
	return Object.assign(data, { size: count });
};

test("schedules equal Keras's", () => {
	const ours = {
		cosine: cosineDecay(0.01, { decaySteps: 100, alpha: 0.1 }),
		exponential: exponentialDecay(0.01, { decaySteps: 30, decayRate: 0.5 }),
		staircase: exponentialDecay(0.01, { decaySteps: 30, decayRate: 0.5, staircase: true }),
	};
	for (const [name, schedule] of Object.entries(ours)) {
		recorded.steps.forEach((step, i) => {
			const expected = recorded[name as keyof typeof ours][i];
			assert.ok(Math.abs(schedule(step) - expected) < 1e-8, `${name} at ${step}: ${schedule(step)}, not ${expected}`);
		});
	}
});

test("ReduceLROnPlateau gives Keras's learning rates", async () => {
	for (const { losses, options, rates } of recorded.plateau) {
		const { min_lr: minLr, min_delta: minDelta, ...others } = options;
		const callback = new ReduceLROnPlateau({ ...others, minLr, minDelta });
		const model = network();
		callback.setModel(model);
		for (const [epoch, loss] of losses.entries()) {
			await callback.onEpochEnd(epoch, { val_loss: loss });
			assert.ok(Math.abs(learningRateOf(model) / rates[epoch] - 1) < 1e-5, `epoch ${epoch}`);
		}
	}
	const unknown = new ReduceLROnPlateau({ monitor: "val_los" });
	await assert.rejects(unknown.onEpochEnd(0, { loss: 1 }), /monitors val_los, but training logs loss:/);
});

test("LearningRateScheduler sets the learning rate per epoch or batch, and training uses it", async () => {
	for (const per of ["epoch", "batch"] as const) {
		const [model, seen] = [network(), [] as number[]];
		const scheduler = new LearningRateScheduler((step) => 0.1 / (step + 1), per);
		const onBatchEnd = async () => void seen.push(learningRateOf(model));
		await train(model, batches(3), {
			epochs: 2,
			callbacks: [scheduler, new tf.CustomCallback({ onBatchEnd })],
			onProgress: null,
		});
		const expected = per === "epoch" ? [1, 1, 1, 2, 2, 2] : [1, 2, 3, 4, 5, 6];
		assert.deepEqual(
			seen.map((rate) => Math.round(0.1 / rate)),
			expected,
		);
	}
	const model = network();
	const before = model.getWeights().map((weight) => weight.arraySync());
	await train(model, batches(3), { epochs: 1, callbacks: [new LearningRateScheduler(() => 0)], onProgress: null });
	assert.deepEqual(
		model.getWeights().map((weight) => weight.arraySync()),
		before,
	);
});

test("findLearningRate increases the learning rate and restores the model", async () => {
	const model = network();
	const before = model.getWeights().map((weight) => weight.arraySync());
	const { learningRates, losses, suggestion } = await findLearningRate(model, batches(5), {
		from: 1e-4,
		to: 10,
		steps: 40,
	});
	assert.deepEqual(
		model.getWeights().map((weight) => weight.arraySync()),
		before,
	);
	assert.equal(learningRateOf(model), 0.001);
	assert.equal(losses.length, learningRates.length);
	assert.ok(learningRates.length > 20 && learningRates.length <= 40);
	assert.ok(Math.abs(learningRates[0] - 1e-4) < 1e-9);
	assert.ok(learningRates.every((rate, i) => i === 0 || rate > learningRates[i - 1]));
	assert.ok(learningRates.includes(suggestion));
});
