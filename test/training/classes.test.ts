import assert from "node:assert/strict";
import { cpSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { augmented, dataAugmentation } from "../../src/augmentation/augment";
import { requireSameClasses } from "../../src/datasets/classes";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import { countImages } from "../../src/datasets/directory";
import { evaluate, predict } from "../../src/evaluation/evaluate";
import { predictImages } from "../../src/evaluation/predict-images";
import { DEFAULT_PARAMETERS } from "../../src/pipeline/parameters";
import { trainPipeline } from "../../src/pipeline/pipeline";
import { compile } from "../../src/training/compile";
import { train } from "../../src/training/train";
import { imageFolder, temporaryFolder } from "../helpers";

const [NFC, NFD] = ["\u00e9toile", "e\u0301toile"];

/** Makes a split with a class of one image for each name, and returns its folder. */
function split(dataset: string, name: string, classes: string[]): string {
	for (const [i, folder] of classes.entries()) {
		cpSync(join(imageFolder, i % 2 ? "dogs" : "cats"), join(dataset, name, folder), { recursive: true });
	}
	return join(dataset, name);
}

const load = (folder: string, classNames?: string[]) =>
	imageDatasetFromDirectory(folder, { imageSize: [8, 8], shuffle: false, verbose: false, classNames });

/** A small compiled classifier of 8 × 8 images. */
function classifier(classes: number): tf.Sequential {
	const model = tf.sequential({
		layers: [
			tf.layers.flatten({ inputShape: [8, 8, 3] }),
			tf.layers.dense({ units: classes, activation: "softmax", kernelInitializer: "zeros" }),
		],
	});
	compile(model);
	return model;
}

describe("class names", () => {
	test("are the same in both Unicode forms: labels of train and valid agree", async () => {
		const dataset = temporaryFolder();
		const [trainData, validationData] = [
			load(split(dataset, "train", ["porte", NFC])),
			load(split(dataset, "valid", ["porte", NFD])),
		];
		// Sorted as read from the disk, the NFD form would come first and its labels be swapped.
		assert.deepEqual(trainData.classNames, ["porte", NFC]);
		assert.deepEqual(validationData.classNames, ["porte", NFC]);
		assert.deepEqual(validationData.labels, trainData.labels);
		await train(classifier(2), trainData, { validationData, epochs: 1, onProgress: null });
		assert.deepEqual(load(join(dataset, "valid"), [NFD, "porte"]).classNames, [NFC, "porte"]);
	});

	test("in two Unicode forms side by side are an error", () => {
		const dataset = temporaryFolder();
		assert.throws(
			() => load(split(dataset, "train", [NFC, NFD])),
			/has two folders named .*toile, in two Unicode forms/,
		);
	});

	test("that differ between train, valid and model stop train, evaluate, predict and counting", async () => {
		const dataset = temporaryFolder();
		const trainData = load(split(dataset, "train", ["apple", "cherry"]));
		const more = load(split(dataset, "valid", ["apple", "banana", "cherry"]));
		const others = load(split(dataset, "others", ["Apple", "cherry"]));
		const model = classifier(2);
		const message = /train and .*valid have different classes: banana is only in .*valid; both need the same/;
		const fit = (data: tf.data.Dataset<never>, validationData = more) =>
			train(model, data, { validationData, epochs: 1, onProgress: null });
		await assert.rejects(fit(trainData as never), message);
		await assert.rejects(fit(augmented(trainData, dataAugmentation(8, 1)) as never), message);
		assert.throws(() => countImages(dataset, ["train", "valid"]), message);
		await assert.rejects(trainPipeline(dataset, { ...DEFAULT_PARAMETERS, imageSize: 48 }), message);
		await assert.rejects(
			fit(trainData as never, others),
			/Apple and apple|apple and Apple differ only in case: rename/,
		);
		await train(model, trainData, { epochs: 1, onProgress: null });
		const differs = /the trained model and .*others have different classes: apple is only in the trained model/;
		await assert.rejects(evaluate(model, others), differs);
		await assert.rejects(predict(model, others), differs);
		await assert.rejects(train(model, others, { epochs: 1, onProgress: null }), differs);
	});

	test("in another order are an error: the labels would be swapped", async () => {
		const dataset = temporaryFolder();
		const folder = split(dataset, "train", ["a", "b"]);
		await assert.rejects(
			train(classifier(2), load(folder), { validationData: load(folder, ["b", "a"]), onProgress: null }),
			/the classes of .*train are in another order \(b, a\) than those of .*train \(a, b\): pass the same classNames/,
		);
		assert.throws(() => requireSameClasses({ classNames: ["a"], of: "A" }, { classNames: ["b", "c"], of: "B" }), {
			message: "A and B have different classes: a is only in A, b, c are only in B; both need the same",
		});
	});

	test("are saved with a model: a loaded one knows its classes and refuses others", async () => {
		const dataset = temporaryFolder();
		const data = load(split(dataset, "train", ["a", "b"]));
		const model = classifier(2);
		await train(model, data, { epochs: 1, onProgress: null });
		await model.save(`file://${join(dataset, "model")}`);
		const loaded = await tf.loadLayersModel(`file://${join(dataset, "model", "model.json")}`);
		const [{ label }] = await predictImages(loaded, [data.filePaths[0]]);
		assert.ok(["a", "b"].includes(label as string));
		await assert.rejects(predictImages(loaded, [], { classNames: ["b", "a"] }), /classNames are in another order/);
		await assert.rejects(predictImages(classifier(2), []), /the model does not know its classes: pass classNames/);
		renameSync(join(dataset, "train", "b"), join(dataset, "train", "c"));
		await assert.rejects(predict(loaded, load(join(dataset, "train"))), /b is only in the trained model, c is only in/);
	});
});

describe("validationSplit", () => {
	const subset = (options: object) =>
		imageDatasetFromDirectory(imageFolder, { imageSize: [8, 8], validationSplit: 0.4, verbose: false, ...options });

	test("needs a seed", () => {
		for (const shuffle of [true, false]) {
			assert.throws(() => subset({ subset: "validation", shuffle }), /validationSplit needs a seed: pass the same one/);
		}
	});

	test("gives subsets without common images, whatever the other options", () => {
		const variants = [{}, { shuffle: false }, { classNames: ["dogs", "cats"] }, { batchSize: 1, cache: false }];
		for (const seed of [0, 1, 2]) {
			for (const a of variants) {
				for (const b of variants) {
					const training = new Set(subset({ ...a, subset: "training", seed }).filePaths);
					const validation = subset({ ...b, subset: "validation", seed }).filePaths;
					assert.deepEqual(
						validation.filter((path) => training.has(path)),
						[],
					);
					assert.equal(training.size + validation.length, 8);
				}
			}
		}
	});
});
