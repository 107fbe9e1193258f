import assert from "node:assert/strict";
import { test } from "node:test";
import { cnn } from "../../src/cnn/cnn";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { evaluate, predict } from "../../src/evaluation/evaluate";
import { accuracyScore } from "../../src/metrics/confusion";
import { sparseCategoricalCrossentropy } from "../../src/metrics/cross-entropy";
import { compile } from "../../src/training/compile";
import { imageFolder } from "../helpers";

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
