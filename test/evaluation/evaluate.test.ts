import assert from "node:assert/strict";
import { test } from "node:test";
import { cnn } from "../../src/cnn/cnn";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { evaluate, predict } from "../../src/evaluation/evaluate";
import { accuracyScore } from "../../src/metrics/confusion";
import { sparseCategoricalCrossentropy } from "../../src/metrics/cross-entropy";
import { compile } from "../../src/training/compile";
import { imageFolder, printed } from "../helpers";

const small = { inputShape: [16, 16, 3] as [number, number, number], filters: [4, 8], denseUnits: 6, seed: 3 };

test("predict keeps the order of the dataset, and evaluate has the scores of its predictions to the last digit", async () => {
	const data = imageDatasetFromDirectory(imageFolder, {
		imageSize: [16, 16],
		batchSize: 3,
		shuffle: false,
		verbose: false,
	});
	const model = cnn(small);
	compile(model);
	const { yTrue, yPred, probabilities, logProbabilities } = await predict(model, data);
	assert.deepEqual(yTrue, data.labels);
	for (const row of probabilities) assert.ok(Math.abs(row[0] + row[1] - 1) < 1e-5);
	const losses = sparseCategoricalCrossentropy(yTrue, logProbabilities);
	const loss = losses.reduce((sum, value) => sum + value) / losses.length;
	assert.deepEqual(await evaluate(model, data), { loss, accuracy: accuracyScore(yTrue, yPred) });
});

test("predict warns once that a dataset shuffles: its results are in no order of the files", async () => {
	const load = (shuffle: boolean) =>
		imageDatasetFromDirectory(imageFolder, { imageSize: [16, 16], batchSize: 3, shuffle, seed: 5, verbose: false });
	const [shuffling, ordered] = [load(true), load(false)];
	assert.deepEqual([shuffling.shuffled, ordered.shuffled], [true, false]);
	const model = cnn(small);
	compile(model);
	let labels: number[] = [];
	const first = await printed(async () => {
		labels = (await predict(model, shuffling)).yTrue;
	});
	assert.match(first, /^predict: this dataset shuffles; .*shuffle: false.*$/);
	assert.notDeepEqual(labels, shuffling.labels);
	assert.deepEqual([...labels].sort(), shuffling.labels);
	assert.equal(await printed(() => predict(model, shuffling)), "");
	assert.match(await printed(() => predict(model, load(true))), /^predict: /);
	assert.equal(await printed(() => predict(model, ordered)), "");
	assert.equal(await printed(() => evaluate(model, load(true))), "");
});
