import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import sharp from "sharp";
import { cnn } from "../../src/cnn/cnn";
import { imageDatasetFromDirectory, imageDatasetFromFiles } from "../../src/datasets/dataset";
import { evaluate, predict } from "../../src/evaluation/evaluate";
import { predictImages } from "../../src/evaluation/predict-images";
import { loadImage } from "../../src/images/decode";
import { compile } from "../../src/training/compile";
import { train } from "../../src/training/train";
import { imageFolder, temporaryFolder } from "../helpers";

const model = cnn({ inputShape: [16, 16, 3], filters: [4], denseUnits: 4, seed: 1 });
const classNames = ["cats", "dogs"];

test("predictImages equals predict on the same files and reports unreadable ones", async () => {
	compile(model);
	const data = imageDatasetFromDirectory(imageFolder, {
		imageSize: [16, 16],
		shuffle: false,
		cache: false,
		verbose: false,
	});
	const { yPred, probabilities } = await predict(model, data);
	const broken = join(temporaryFolder(), "broken.jpg");
	writeFileSync(broken, "no image");
	const paths = [broken, ...data.filePaths, "/no/such/file.jpg"];
	for (const batchSize of [3, 32]) {
		const predictions = await predictImages(model, paths, { classNames, batchSize });
		assert.deepEqual(
			predictions.map(({ path }) => path),
			paths,
		);
		const [first, ...rest] = predictions;
		const last = rest.pop();
		assert.deepEqual([first.label, first.error], [null, "not an image (the start of no known format)"]);
		assert.match(last?.error ?? "", /^unreadable \(ENOENT/);
		rest.forEach(({ label, probability, probabilities: row, error }, i) => {
			assert.deepEqual([label, error], [classNames[yPred[i]], null]);
			assert.ok(Math.abs((probability as number) - Math.max(...probabilities[i])) < 1e-5);
			assert.ok(row.every((p, j) => Math.abs(p - probabilities[i][j]) < 1e-5));
		});
	}
});

test("a temperature gives probabilities in proportion to their power of its inverse, and the same labels", async () => {
	const paths = ["cats/plain.jpg", "dogs/alpha.png"].map((name) => join(imageFolder, name));
	const plain = await predictImages(model, paths, { classNames });
	const calibrated = await predictImages(model, paths, { classNames, temperature: 2 });
	for (const [i, { label, probabilities }] of calibrated.entries()) {
		const roots = plain[i].probabilities.map(Math.sqrt);
		assert.equal(label, plain[i].label);
		for (const [k, root] of roots.entries())
			assert.ok(Math.abs(probabilities[k] - root / (roots[0] + roots[1])) < 1e-6, `${probabilities}`);
	}
});

test("images have the channels of the model's input, and are turned upright if wished", async () => {
	const grey = cnn({ inputShape: [16, 16, 1], filters: [4], denseUnits: 4, seed: 1 });
	const image = sharp(readFileSync(join(imageFolder, "cats", "plain.jpg"))).resize(32, 20, { fit: "fill" });
	const folder = temporaryFolder();
	const [plain, turned] = [join(folder, "plain.png"), join(folder, "turned.png")];
	await image.clone().png().toFile(plain);
	await image.clone().rotate(90).png().withMetadata({ orientation: 8 }).toFile(turned);
	const rowOf = async (path: string, applyOrientation?: boolean) => {
		const predictions = await predictImages(grey, [path, path], { classNames, applyOrientation });
		assert.deepEqual(predictions[0].probabilities, predictions[1].probabilities);
		return predictions[0].probabilities;
	};
	const pixels = await loadImage(plain, { imageSize: [16, 16], colorMode: "grayscale" });
	const expected = (grey.predict(pixels.expandDims()) as tf.Tensor).dataSync();
	const upright = await rowOf(plain);
	assert.ok(upright.every((p, i) => Math.abs(p - expected[i]) < 1e-6));
	assert.deepEqual(await rowOf(turned, true), upright);
	assert.notDeepEqual(await rowOf(turned), upright);
});

test("no files give no predictions, and predicting leaves no tensors", async () => {
	assert.deepEqual(await predictImages(model, [], { classNames }), []);
	const { numTensors } = tf.memory();
	await predictImages(model, [join(imageFolder, "cats", "plain.jpg")], { classNames });
	assert.equal(tf.memory().numTensors, numTensors);
});

test("a model with another number of outputs is an error that names both numbers", async () => {
	const wrong = predictImages(model, [], { classNames: ["a", "b", "c"] });
	compile(model);
	const files = [0, 1, 2].map((label) => ({ path: join(imageFolder, "cats", "plain.jpg"), label }));
	const data = imageDatasetFromFiles(files, { classNames: ["a", "b", "c"], imageSize: [16, 16], verbose: false });
	const message = /the model has 2 outputs, but there are 3 classes: a, b, c;/;
	await assert.rejects(predict(model, data), message);
	await assert.rejects(evaluate(model, data), message);
	await assert.rejects(train(model, data), message);
	await assert.rejects(wrong, message);
});
