// The pipeline on a backbone: by name, and from a folder.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { backboneOf } from "../../src/cnn/backbone";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { evaluate, predict } from "../../src/evaluation/evaluate";
import { predictImages } from "../../src/evaluation/predict-images";
import { allParameters } from "../../src/pipeline/parameters";
import { loadOrTrain, trainPipeline } from "../../src/pipeline/pipeline";
import { loadModel } from "../../src/pipeline/saved-model";
import { smallBackbone } from "../cnn/small-backbone";
import { printed, smallDataset, temporaryFolder } from "../helpers";

const dataset = smallDataset();
const given = { imageSize: 32, batchSize: 3, epochs: 3, patience: 9, seed: 1 };
const images = () =>
	imageDatasetFromDirectory(join(dataset, "valid"), { imageSize: [32, 32], shuffle: false, verbose: false });

test("the saved model of a backbone by name predicts images as they are, and says where its weights are from", async () => {
	const artifacts = temporaryFolder();
	const parameters = allParameters({ ...given, backbone: "efficientnet-lite0" });
	assert.equal(parameters.dropout, 0.2, "a default of backbones");
	const { model, record } = await loadOrTrain(dataset, artifacts, parameters);
	assert.match(String(record.weights), /^ImageNet weights of efficientnet-lite0 from .*, Apache License 2\.0$/);
	assert.ok(existsSync(join(artifacts, "features")));
	const trained = await predict(model, images());
	const { valLoss } = record.history;
	// EarlyStopping restored the best epoch, which was validated on features.
	const { loss } = await evaluate(model, images());
	assert.ok(Math.abs(loss - Math.min(...valLoss)) < 1e-3, `${loss} and ${valLoss}`);
	const loaded = await loadModel(artifacts);
	assert.ok(loaded);
	assert.deepEqual(await predict(loaded.model, images()), trained);
	const files = images().filePaths;
	const [first] = await predictImages(loaded.model, files.slice(0, 1));
	assert.ok(Math.abs(first.probabilities[0] - trained.probabilities[0][0]) < 0.01);
});

test("a folder of a layers model is a backbone: scaled once, pooled, and with the default augmentation", async () => {
	const folder = temporaryFolder();
	await smallBackbone().save(`file://${folder}`);
	const lines = await printed(async () => {
		const own = await backboneOf(folder, 32);
		assert.equal(own.layers.filter((layer) => layer.getClassName() === "Rescaling").length, 1);
	});
	assert.match(lines, /takes images of 32×32 with pixels in 0–255 \(it scales them itself\)/);
	const unscaled = temporaryFolder();
	const conv = tf.layers.conv2d({ filters: 3, kernelSize: 3, inputShape: [32, 32, 3] });
	await tf.sequential({ layers: [conv] }).save(`file://${unscaled}`);
	const scaled = await printed(async () => {
		const features = await backboneOf(unscaled, 32);
		assert.deepEqual(features.outputs[0].shape, [null, 3]);
		const xs = tf.randomUniform([2, 32, 32, 3], 0, 255, "float32", 1);
		const [kernel, bias] = features.layers.flatMap((layer) => layer.getWeights()) as [tf.Tensor4D, tf.Tensor1D];
		const expected = tf
			.conv2d(xs.div(127.5).sub(1) as tf.Tensor4D, kernel, 1, "valid")
			.add(bias)
			.mean([1, 2]);
		assert.ok((features.predict(xs) as tf.Tensor).sub(expected).abs().max().dataSync()[0] < 1e-5);
	});
	assert.match(scaled, /pixels in −1–1/);
	await assert.rejects(backboneOf(folder, 64), /takes images of 32×32×3, not 64×64×3: set imageSize to 32$/);
	const artifacts = temporaryFolder();
	const parameters = allParameters({ ...given, backbone: folder });
	const first = await trainPipeline(dataset, parameters, { artifacts, onProgress: null });
	const second = await trainPipeline(dataset, parameters, { artifacts, onProgress: null });
	assert.deepEqual(second.history.valLoss, first.history.valLoss, "the same with features that were kept");
});
