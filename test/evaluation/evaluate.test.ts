import assert from "node:assert/strict";
import { test } from "node:test";
import { cnn } from "../../src/cnn/cnn";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { evaluate, predict } from "../../src/evaluation/evaluate";
import { compile } from "../../src/training/compile";
import { imageFolder } from "../helpers";

const small = { inputShape: [16, 16, 3] as [number, number, number], filters: [4, 8], denseUnits: 6, seed: 3 };

test("predict keeps the order of the dataset and gives the accuracy of evaluate", async () => {
	const data = imageDatasetFromDirectory(imageFolder, {
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
