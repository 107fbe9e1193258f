import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";
import { evaluate } from "../../src/evaluation/evaluate";
import { loadOrTrain } from "../../src/pipeline/pipeline";
import { loadModel, saveModel } from "../../src/pipeline/saved-model";
import { batchesOf, imageFolder, printed, temporaryFolder } from "../helpers";

const small = { inputShape: [16, 16, 3] as [number, number, number], filters: [4, 8], denseUnits: 6, seed: 3 };

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
	for (const split of ["train", "valid"]) cpSync(imageFolder, join(dataset, split), { recursive: true });
	const history = { loss: [1], acc: [0.5], valLoss: [1], valAcc: [0.5], epochsRun: 1, seconds: 1 };

	test("is saved with its record and loaded compiled", async () => {
		const artifacts = temporaryFolder();
		assert.equal(await loadModel(artifacts), null);
		const model = cnn(small);
		await saveModel(model, artifacts, { dataset, classNames: ["cats", "dogs"], parameters, history });
		const loaded = await loadModel(artifacts);
		assert.ok(loaded);
		const xs = tf.randomUniform([2, 16, 16, 3], 0, 255, "float32", 1);
		assert.deepEqual((loaded.model.predict(xs) as tf.Tensor).dataSync(), (model.predict(xs) as tf.Tensor).dataSync());
		assert.deepEqual(loaded.record.history, history);
		const scores = await evaluate(loaded.model, batchesOf(xs, tf.zeros([2]), 2));
		assert.ok(Number.isFinite(scores.loss) && [0, 0.5, 1].includes(scores.accuracy));
	});

	test("is loaded for the same data set and parameters, otherwise trained, reproducibly", async () => {
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
