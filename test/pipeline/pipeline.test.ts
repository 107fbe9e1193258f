import assert from "node:assert/strict";
import { cpSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";
import { fingerprint } from "../../src/datasets/fingerprint";
import { evaluate } from "../../src/evaluation/evaluate";
import { loadOrTrain } from "../../src/pipeline/pipeline";
import { loadModel, saveModel } from "../../src/pipeline/saved-model";
import { imageFolder, printed, temporaryFolder } from "../helpers";
import { batchesOf } from "../tensors";

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
		backbone: "none",
		precision: "float32",
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
		const lines = text.split("\n").filter((line) => line.includes("training one first"));
		assert.deepEqual(
			lines.map((line) => line.replace(artifacts, "A")),
			[
				"No saved model in A: training one first.",
				"The model in A is for other parameters: training one first.",
				"The model in A is for other parameters: training one first.",
			],
		);
	});

	test("is loaded where the images and the artifacts have been moved to", async () => {
		const [before, after] = [join(temporaryFolder(), "checkout"), join(temporaryFolder(), "moved")];
		cpSync(dataset, join(before, "dataset"), { recursive: true });
		const once = { ...parameters, epochs: 1 };
		const load = (checkout: string) => loadOrTrain(join(checkout, "dataset"), join(checkout, "artifacts"), once);
		const { record } = await load(before);
		renameSync(before, after);
		assert.equal(await printed(async () => assert.deepEqual((await load(after)).record, record)), "");
	});

	test("is trained again, with a line, when images have been replaced at the same path", async () => {
		const artifacts = temporaryFolder();
		const once = { ...parameters, epochs: 1 };
		const load = () => printed(() => loadOrTrain(dataset, artifacts, once));
		const reason = /^The images in \S+ are not those that the model in \S+ is for: training one first\.$/m;
		await load();
		assert.equal(await load(), "");
		const [one, other] = ["plain", "turned"].map((name) => join(dataset, "train", "cats", `${name}.jpg`));
		const bytes = readFileSync(one);
		writeFileSync(one, readFileSync(other));
		assert.match(await load(), reason);
		assert.equal(await load(), "");
		writeFileSync(one, bytes);
		assert.match(await load(), reason);
		// A class that is another name for the same images.
		for (const split of ["train", "valid"]) renameSync(join(dataset, split, "cats"), join(dataset, split, "cows"));
		assert.match(await load(), reason);
		assert.deepEqual((await loadModel(artifacts))?.record.classNames, ["cows", "dogs"]);
	});

	test("gets the fingerprint of its images, and counts as stale when they cannot be read", async () => {
		const artifacts = temporaryFolder();
		const record = { classNames: ["cats", "dogs"], parameters, history };
		const { data } = await saveModel(cnn(small), artifacts, { ...record, dataset });
		assert.equal(data, await fingerprint(dataset));
		const gone = await saveModel(cnn(small), artifacts, { ...record, dataset: temporaryFolder() });
		assert.equal(gone.data, null);
		assert.deepEqual((await loadModel(artifacts))?.record, gone);
	});
});
