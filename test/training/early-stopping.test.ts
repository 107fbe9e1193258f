import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";
import { evaluate } from "../../src/evaluation/evaluate";
import { compile } from "../../src/training/compile";
import { EarlyStopping, type EarlyStoppingOptions } from "../../src/training/early-stopping";
import { train } from "../../src/training/train";
import { fixture } from "../helpers";
import { batchesOf } from "../tensors";

const small = { inputShape: [16, 16, 3] as [number, number, number], filters: [4, 8], denseUnits: 6, seed: 3 };

describe("EarlyStopping decides as Keras does", () => {
	type Case = {
		options: Record<string, number | string | boolean>;
		values: number[];
		epochsRun: number;
		endsWithWeightsOf: number;
	};
	for (const { options, values, epochsRun, endsWithWeightsOf } of fixture<Case[]>("early-stopping")) {
		test(`${JSON.stringify(options)} on ${values}`, async () => {
			const camel = Object.fromEntries(
				Object.entries(options).map(([name, value]) => [
					name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()),
					value,
				]),
			) as EarlyStoppingOptions;
			const callback = new EarlyStopping(camel);
			const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1], useBias: false })] });
			compile(model);
			callback.setModel(model);
			await callback.onTrainBegin();
			let epochs = 0;
			for (; epochs < values.length && !model.stopTraining; epochs++) {
				model.setWeights([tf.tensor2d([[epochs]])]);
				await callback.onEpochEnd(epochs, { [camel.monitor ?? "val_loss"]: values[epochs] });
			}
			await callback.onTrainEnd();
			assert.equal(epochs, epochsRun);
			assert.equal(model.getWeights()[0].dataSync()[0], endsWithWeightsOf);
		});
	}

	test("a metric that is not logged is an error that names those that are", async () => {
		const callback = new EarlyStopping();
		await assert.rejects(
			callback.onEpochEnd(0, { loss: 1, acc: 0.5 }),
			/monitors val_loss, but training logs loss, acc:/,
		);
	});
});

test("training with EarlyStopping restores the weights of the best epoch and leaves no tensors", async () => {
	const model = cnn({ ...small, dropout: 0 });
	compile(model, 0.05);
	const [xs, ys] = [
		tf.randomUniform([12, 16, 16, 3], 0, 255, "float32", 1),
		tf.tensor1d([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]),
	];
	const [data, validationData] = [batchesOf(xs, ys, 4), batchesOf(xs.reverse(0), ys, 5)];
	await train(model, data, { validationData, epochs: 1, onProgress: null });
	const before = tf.memory().numTensors;
	const callbacks = [new EarlyStopping({ patience: 2, restoreBestWeights: true })];
	const history = await train(model, data, { validationData, epochs: 12, callbacks, onProgress: null });
	assert.ok(history.epochsRun < 12, "the validation labels are wrong on purpose, so training must stop");
	assert.equal(history.valLoss.length, history.epochsRun);
	const { loss } = await evaluate(model, validationData);
	assert.ok(Math.abs(loss - Math.min(...history.valLoss)) < 1e-3 * loss);
	assert.equal(tf.memory().numTensors, before);
});
