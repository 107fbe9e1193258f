import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { augmented, dataAugmentation } from "../../src/augmentation/augment";
import { cnn } from "../../src/cnn/cnn";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import type { Batch } from "../../src/datasets/types";
import { evaluate, predict } from "../../src/evaluation/evaluate";
import { loadOrTrain } from "../../src/pipeline/pipeline";
import { loadModel, saveModel } from "../../src/pipeline/records";
import { compile } from "../../src/training/compile";
import { EarlyStopping, type EarlyStoppingOptions } from "../../src/training/early-stopping";
import type { Progress } from "../../src/training/history";
import { train } from "../../src/training/train";
import { assertClose, fixture, pictures, printed, type Recorded, temporaryFolder, toTensor } from "../helpers";

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

/** Batches of fixed tensors, copied since training disposes what it is given. */
function batches(xs: tf.Tensor, ys: tf.Tensor, size: number): tf.data.Dataset<Batch> {
	const count = Math.ceil(xs.shape[0] / size);
	const at = (tensor: tf.Tensor, i: number) => tensor.slice(i * size, Math.min(size, tensor.shape[0] - i * size));
	const data = tf.data.generator(function* () {
		for (let i = 0; i < count; i++) yield { xs: at(xs, i) as tf.Tensor4D, ys: at(ys, i) };
	});
	return Object.assign(data, { size: count });
}

describe("from Keras's weights on Keras's batch", () => {
	const build = () => {
		const model = cnn({ ...small, classes: 3, dropout: 0 });
		model.setWeights(keras.weights.map(toTensor));
		compile(model);
		return model;
	};
	const data = () => batches(toTensor(keras.xs), toTensor(keras.ys), 10);

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

test("a class of probability zero still has a gradient, as in Keras", async () => {
	const model = tf.sequential({
		layers: [tf.layers.dense({ units: 2, activation: "softmax", inputShape: [1], useBias: false })],
	});
	model.setWeights([tf.tensor2d([[500, -500]])]);
	compile(model, 1);
	const one = () => batches(tf.ones([1, 1]), tf.ones([1]), 1);
	assert.equal((await evaluate(model, one())).loss, 1000);
	await train(model, one(), { epochs: 1, onProgress: null });
	assert.deepEqual([...model.getWeights()[0].dataSync()].map(Math.round), [499, -499]);
});

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

	test("and names what it could watch", async () => {
		const callback = new EarlyStopping();
		await assert.rejects(
			callback.onEpochEnd(0, { loss: 1, acc: 0.5 }),
			/watches val_loss, but training logs loss, acc/,
		);
	});
});

test("training with EarlyStopping ends with the weights of the best epoch, and leaves no tensor", async () => {
	const model = cnn({ ...small, dropout: 0 });
	compile(model, 0.05);
	const [xs, ys] = [
		tf.randomUniform([12, 16, 16, 3], 0, 255, "float32", 1),
		tf.tensor1d([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]),
	];
	const [data, validationData] = [batches(xs, ys, 4), batches(xs.reverse(0), ys, 5)];
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

test("progress is told batch by batch, and the default prints an epoch a line", async () => {
	const model = cnn(small);
	compile(model);
	const data = batches(tf.zeros([5, 16, 16, 3]), tf.zeros([5]), 2);
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

test("predict keeps the order and agrees with evaluate", async () => {
	const data = imageDatasetFromDirectory(pictures, {
		imageSize: [16, 16],
		batchSize: 3,
		shuffle: false,
		verbose: false,
	});
	const model = cnn(small);
	compile(model);
	const { yTrue, yPred, probabilities } = await predict(model, data);
	assert.deepEqual(yTrue, data.labels);
	for (const row of probabilities) assert.ok(Math.abs(row[0] + row[1] - 1) < 1e-5);
	const hits = yPred.filter((label, i) => label === yTrue[i]).length;
	assert.ok(Math.abs((await evaluate(model, data)).accuracy - hits / yTrue.length) < 1e-6);
});

test("augmented changes training pictures and no labels", async () => {
	const data = imageDatasetFromDirectory(pictures, { imageSize: [16, 16], shuffle: false, verbose: false });
	const [plain] = await data.toArray();
	const [changed] = await augmented(data, dataAugmentation(16, 1)).toArray();
	assert.deepEqual(changed.ys.dataSync(), plain.ys.dataSync());
	assert.deepEqual(changed.xs.shape, plain.xs.shape);
	assert.notDeepEqual(changed.xs.dataSync(), plain.xs.dataSync());
});

describe("a trained model", () => {
	const dataset = temporaryFolder();
	const parameters = {
		imageSize: 46,
		batchSize: 4,
		epochs: 2,
		learningRate: 0.001,
		patience: 1,
		augment: true,
		dropout: 0.4,
		seed: 1,
	};
	for (const split of ["train", "valid"]) cpSync(pictures, join(dataset, split), { recursive: true });
	const history = { loss: [1], acc: [0.5], valLoss: [1], valAcc: [0.5], epochsRun: 1, seconds: 1 };

	test("is saved with its record and loaded ready to evaluate", async () => {
		const artifacts = temporaryFolder();
		assert.equal(await loadModel(artifacts), null);
		const model = cnn(small);
		await saveModel(model, artifacts, { dataset, classNames: ["cats", "dogs"], parameters, history });
		const loaded = await loadModel(artifacts);
		assert.ok(loaded);
		const xs = tf.randomUniform([2, 16, 16, 3], 0, 255, "float32", 1);
		assert.deepEqual((loaded.model.predict(xs) as tf.Tensor).dataSync(), (model.predict(xs) as tf.Tensor).dataSync());
		assert.deepEqual(loaded.record.history, history);
		const scores = await evaluate(loaded.model, batches(xs, tf.zeros([2]), 2));
		assert.ok(Number.isFinite(scores.loss) && [0, 0.5, 1].includes(scores.accuracy));
	});

	test("is used if data set and parameters are the same, trained if not, twice alike", async () => {
		const artifacts = temporaryFolder();
		const text = await printed(async () => {
			const first = await loadOrTrain(dataset, artifacts, parameters);
			const again = await loadOrTrain(dataset, artifacts, parameters);
			assert.deepEqual(again.record.history, first.record.history);
			const other = await loadOrTrain(dataset, artifacts, { ...parameters, seed: 2 });
			assert.notDeepEqual(other.record.history.loss, first.record.history.loss);
			const repeated = await loadOrTrain(dataset, artifacts, parameters);
			assert.deepEqual(repeated.record.history.loss, first.record.history.loss);
		});
		assert.equal(text.match(/training one first/g)?.length, 3);
	});
});
