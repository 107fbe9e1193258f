import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";
import { EFFICIENTNET_LITE } from "../../src/cnn/efficientnet-lite";
import { DEFAULT_PARAMETERS, expectedValue, PARAMETERS } from "../../src/pipeline/parameters";
import { learningRateOf } from "../../src/tensorflow/layers-model";
import { compile } from "../../src/training/compile";
import { train } from "../../src/training/train";
import { declaredBy, notebookNames } from "../../tools/jupyter/notebooks.mjs";
import { networks } from "../../tools/setup/weights.mjs";
import { batchesOf } from "../tensors";

test("parameters cells of the notebooks have the declared defaults and descriptions", () => {
	const compared = new Set<string>();
	for (const notebook of notebookNames()) {
		for (const [name, { value, comment }] of declaredBy(notebook)) {
			if (!(name in PARAMETERS)) continue;
			const { default: fallback, description } = PARAMETERS[name as keyof typeof PARAMETERS];
			assert.deepEqual([value, comment], [fallback, description], `${name} in ${notebook}`);
			compared.add(name);
		}
	}
	assert.deepEqual([...compared].sort(), Object.keys(PARAMETERS).sort());
});

test("defaults of cnn, compile and train equal the declared ones", async () => {
	const { imageSize, dropout, learningRate, epochs } = DEFAULT_PARAMETERS;
	const structure = (model: ReturnType<typeof cnn>) =>
		model.layers.map((layer) => ({ ...layer.getConfig(), kernelInitializer: null, seed: null }));
	const model = cnn();
	assert.deepEqual(structure(model), structure(cnn({ inputShape: [imageSize, imageSize, 3], dropout })));
	compile(model);
	assert.equal(learningRateOf(model), learningRate);
	const { epochsRun } = await train(model, batchesOf(tf.zeros([2, imageSize, imageSize, 3]), tf.zeros([2]), 2), {
		onProgress: null,
	});
	assert.equal(epochsRun, epochs);
});

test("the networks by name are those that there are weights for", () => {
	const names = Object.keys(EFFICIENTNET_LITE);
	assert.deepEqual(PARAMETERS.backbone.names, ["none", ...names]);
	assert.deepEqual(networks, names);
});

test("values are validated by type and range", () => {
	for (const [name, value] of Object.entries(DEFAULT_PARAMETERS))
		assert.equal(expectedValue(name as keyof typeof PARAMETERS, value), null);
	assert.equal(expectedValue("epochs", 0), "a whole number above 0");
	assert.equal(expectedValue("epochs", 1.5), "a whole number above 0");
	assert.equal(expectedValue("patience", 0), null);
	assert.equal(expectedValue("seed", -1), "a whole number of 0 or more");
	assert.equal(expectedValue("learningRate", 0), "a number above 0");
	assert.equal(expectedValue("dropout", 1), "a number of 0 or more and below 1");
	assert.equal(expectedValue("dropout", Number.NaN), "a number of 0 or more and below 1");
	assert.equal(expectedValue("augment", 1), "true or false");
	assert.equal(expectedValue("precision", "bfloat16"), "float32, mixed_bfloat16, auto");
	assert.equal(expectedValue("backbone", "any/folder"), null);
});
