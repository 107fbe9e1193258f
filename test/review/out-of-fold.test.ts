import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import sharp from "sharp";
import { withClassifier } from "../../src/cnn/backbone";
import { cnn } from "../../src/cnn/cnn";
import type { LabelledFile } from "../../src/datasets/types";
import { featureClassifier } from "../../src/review/classifiers";
import { featurePart, featuresOf } from "../../src/review/features";
import { type Fit, outOfFoldProbabilities } from "../../src/review/out-of-fold";
import { smallBackbone } from "../cnn/small-backbone";
import { temporaryFolder } from "../helpers";

const classNames = ["dark", "light"];

/** Dark and light images, with some noise. */
async function images(count: number): Promise<LabelledFile[]> {
	const folder = temporaryFolder();
	const files = Array.from({ length: count }, (_, i) => ({ path: join(folder, `image${i}.png`), label: i % 2 }));
	for (const [i, { path, label }] of files.entries()) {
		const pixels = Buffer.from(
			Array.from({ length: 32 * 32 * 3 }, (_, j) => 40 + 150 * label + ((i * 31 + j * 7) % 30)),
		);
		await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
			.png()
			.toFile(path);
	}
	return files;
}

const named = (names: string[], labelOf: (i: number) => number) =>
	names.map((path, i) => ({ path, label: labelOf(i) }));

test("each file is predicted once, by a model that has not seen it, in the order of the files", async () => {
	const files = named(
		Array.from({ length: 23 }, (_, i) => `${i}.png`),
		(i) => i % 2,
	);
	const folds: string[][] = [];
	const fit: Fit = async (train, test) => {
		assert.deepEqual([...train, ...test].map(({ path }) => path).sort(), files.map(({ path }) => path).sort());
		folds.push(test.map(({ path }) => path));
		return test.map(({ path }) => [Number.parseInt(path, 10), 0]);
	};
	const probabilities = await outOfFoldProbabilities(files, fit, { seed: 3 });
	assert.deepEqual(
		probabilities,
		files.map((_, i) => [i, 0]),
	);
	assert.equal(folds.length, 5);
	const again: string[][] = [];
	const other: Fit = async (_, test) => {
		again.push(test.map(({ path }) => path));
		return test.map(() => [1, 0]);
	};
	await outOfFoldProbabilities(files, other, { seed: 3 });
	assert.deepEqual(again, folds, "the same seed");
	await outOfFoldProbabilities(files, other, { seed: 4 });
	assert.notDeepEqual(again.slice(5), folds, "another seed");
});

test("copies, look-alikes and images of one source stay in one fold", async () => {
	const names = Array.from({ length: 24 }, (_, i) =>
		i < 4 ? `slide_7_${i}.png` : `${String.fromCharCode(97 + i)}.png`,
	);
	const files = named(names, (i) => i % 2);
	const together = [names.slice(0, 4), [names[10], names[15]]];
	const fit: Fit = async (_, test) => {
		const tested = test.map(({ path }) => path);
		for (const group of together)
			assert.ok([0, group.length].includes(group.filter((path) => tested.includes(path)).length));
		return test.map(() => [0.5, 0.5]);
	};
	await outOfFoldProbabilities(files, fit, { seed: 1, lookAlikes: [together[1]] });
});

test("a class that a fold has no training image of is named", async () => {
	const files = named(["a.png", "b.png", "c.png", "d.png", "e.png", "f.png"], (i) => (i === 0 ? 1 : 0));
	const fit: Fit = async () => [];
	await assert.rejects(
		outOfFoldProbabilities(files, fit, { seed: 1, nSplits: 3, classNames: ["cat", "dog"] }),
		/a fold of 3 has no training image of dog, which has 1 in all/,
	);
	const even = files.map((file, i) => ({ ...file, label: i % 2 }));
	await assert.rejects(outOfFoldProbabilities(even, fit, { seed: 1, nSplits: 3 }), /fit returned 0 rows for 2 files/);
});

test("a softmax layer on features finds the classes: the same for the same seed, and no weights are left in memory", async () => {
	const files = await images(30);
	const folder = temporaryFolder();
	const backbone = smallBackbone();
	const fit = featureClassifier(backbone, { classNames, folder, learningRate: 0.05, onProgress: null });
	const probabilities = await outOfFoldProbabilities(files, fit, { seed: 5, nSplits: 3 });
	const right = probabilities.filter((row, i) => row[files[i].label] > 0.5).length;
	assert.ok(right >= 28, `${right} of 30`);
	const before = tf.memory().numTensors;
	assert.deepEqual(await outOfFoldProbabilities(files, fit, { seed: 5, nSplits: 3 }), probabilities);
	// tf.layers leaves one number of each optimizer behind.
	assert.ok(tf.memory().numTensors <= before + 3);
	// A label of another class is found out.
	const flipped = files.map((file, i) => (i === 7 ? { ...file, label: 0 } : file));
	const found = await outOfFoldProbabilities(flipped, fit, { seed: 5, nSplits: 3 });
	assert.ok(found[7][0] < 0.5);
});

test("features are what the network computes, in the order of the files, of a trained network too", async () => {
	const files = (await images(7)).reverse();
	const folder = temporaryFolder();
	const pixels = await Promise.all(files.map(({ path }) => sharp(path).raw().toBuffer()));
	const batch = tf.tensor4d(new Float32Array(pixels.flatMap((bytes) => [...bytes])), [7, 32, 32, 3]);
	const network = cnn({ inputShape: [32, 32, 3], filters: [4, 8], denseUnits: 6, seed: 1 });
	for (const part of [smallBackbone(), featurePart(network), featurePart(withClassifier(smallBackbone(), 2).model)]) {
		const { values, images, length } = await featuresOf(part, files, { folder, onProgress: null });
		const expected = part.predict(batch) as tf.Tensor;
		assert.deepEqual([images, length], expected.shape);
		assert.ok(
			expected
				.sub(tf.tensor2d(values, [images, length]))
				.abs()
				.max()
				.dataSync()[0] < 1e-3,
		);
	}
	assert.deepEqual(featurePart(network).outputs[0].shape, [null, 6]);
	const maps = tf.sequential({ layers: [tf.layers.flatten({ inputShape: [32, 32, 3] })] });
	assert.throws(() => featurePart(maps), /has no dense layer/);
	const convolution = tf.sequential({
		layers: [tf.layers.conv2d({ inputShape: [32, 32, 3], filters: 2, kernelSize: 3 })],
	});
	await assert.rejects(
		featuresOf(convolution, files, { folder }),
		/gives \[, 30, 30, 2\]: expected features, see featurePart/,
	);
	rmSync(files[0].path);
	writeFileSync(files[0].path, "no image");
	await assert.rejects(featuresOf(smallBackbone(), files, { folder, onProgress: null }), /image/);
});
