import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { featureDataset } from "../../src/cnn/features";
import { splitBefore } from "../../src/cnn/fine-tuning";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import type { Batch, ImageDataset } from "../../src/datasets/types";
import { setPrecision } from "../../src/tensorflow/precision";
import { imageFolder, temporaryFolder } from "../helpers";
import { smallBackbone } from "./small-backbone";

const options = { imageSize: [32, 32] as [number, number], batchSize: 3, seed: 7, verbose: false };
const backbone = smallBackbone();

/** Reads an epoch: features and labels of all images. */
async function epochOf(data: ImageDataset) {
	const batches: Batch[] = await data.toArray();
	return { xs: tf.concat(batches.map(({ xs }) => xs)), ys: batches.flatMap(({ ys }) => [...ys.dataSync()]) };
}
const difference = (a: tf.Tensor, b: tf.Tensor) => a.sub(b).abs().max().dataSync()[0];
const predicted = (images: tf.Tensor) => backbone.predict(images) as tf.Tensor;

test("features are the network's predictions, in the order and with the labels of each epoch", async () => {
	const folder = temporaryFolder();
	const images = imageDatasetFromDirectory(imageFolder, options);
	const features = await featureDataset(backbone, imageDatasetFromDirectory(imageFolder, options), { folder });
	assert.deepEqual(
		[features.size, features.labels, features.classNames],
		[images.size, images.labels, images.classNames],
	);
	const orders: number[][] = [];
	for (const _ of [1, 2]) {
		const [expected, found] = [await epochOf(images), await epochOf(features)];
		assert.deepEqual(found.ys, expected.ys);
		assert.ok(difference(found.xs, predicted(expected.xs)) < 1e-4);
		orders.push(found.ys);
	}
	assert.notDeepEqual(orders[0], orders[1]);
});

test("mirrored features alternate between an image and its mirror image", async () => {
	const data = () => imageDatasetFromDirectory(imageFolder, { ...options, shuffle: false });
	const { xs } = await epochOf(data());
	const mirrored = await featureDataset(backbone, data(), { folder: temporaryFolder(), mirrored: true });
	const [plain, flipped] = [predicted(xs), predicted(xs.reverse(2))].map((all) => tf.unstack(all));
	for (const epoch of [0, 1]) {
		const rows = tf.unstack((await epochOf(mirrored)).xs);
		for (const [i, row] of rows.entries()) {
			const expected = (i + epoch) % 2 === 0 ? plain[i] : flipped[i];
			assert.ok(difference(row, expected) < 1e-4, `image ${i} in epoch ${epoch}`);
		}
	}
});

test("features are computed once: another dataset of the same files reads them, and torn records are computed again", async () => {
	const folder = temporaryFolder();
	const data = imageDatasetFromDirectory(imageFolder, { ...options, shuffle: false });
	const first = await epochOf(await featureDataset(backbone, data, { folder }));
	const [network] = readdirSync(folder);
	const files = () => readdirSync(join(folder, network));
	assert.equal(files().length, 1);
	const other = imageDatasetFromDirectory(imageFolder, { ...options, shuffle: false, batchSize: 2 });
	assert.equal(difference((await epochOf(await featureDataset(backbone, other, { folder }))).xs, first.xs), 0);
	assert.equal(files().length, 1, "nothing was written");
	const [file] = files().map((name) => join(folder, network, name));
	writeFileSync(file, readFileSync(file).subarray(0, -5));
	assert.ok(difference((await epochOf(await featureDataset(backbone, other, { folder }))).xs, first.xs) < 1e-4);
	assert.equal(files().length, 2, "the last record");
	const same = smallBackbone();
	for (const layer of same.layers) layer.trainable = false;
	await featureDataset(same, other, { folder });
	assert.equal(files().length, 2, "the same network made again, frozen");
	// Another network has other features.
	await featureDataset(smallBackbone(2), data, { folder });
	assert.equal(readdirSync(folder).length, 2);
});

test("the maps of a network's lower part are kept, and its upper part makes the features of them", async () => {
	const { lower, upper } = splitBefore(backbone, "block2");
	const data = imageDatasetFromDirectory(imageFolder, { ...options, shuffle: false });
	const maps = await epochOf(await featureDataset(lower, data, { folder: temporaryFolder() }));
	assert.equal(maps.xs.rank, 4);
	const { xs } = await epochOf(data);
	assert.ok(difference(upper.predict(maps.xs) as tf.Tensor, predicted(xs)) < 1e-4);
	assert.throws(
		() => splitBefore(backbone, "block9"),
		/the model has no layer block9: its layers begin with .*block1, block2/,
	);
});

test("images of another size, and augmented ones, are errors", async () => {
	const folder = temporaryFolder();
	const large = imageDatasetFromDirectory(imageFolder, { ...options, imageSize: [40, 40] });
	await assert.rejects(
		featureDataset(backbone, large, { folder }),
		/^Error: the images are 40×40×3, small takes 32×32×3: give both the same imageSize$/,
	);
	const mapped = large.map((batch) => batch) as ImageDataset;
	await assert.rejects(featureDataset(backbone, mapped, { folder }), /features are of files: expected a dataset of/);
});

test("features in mixed_bfloat16 are kept apart from those in float32, and differ by less than a fiftieth", async () => {
	const folder = temporaryFolder();
	const data = imageDatasetFromDirectory(imageFolder, { ...options, shuffle: false });
	const network = smallBackbone();
	const features = async () => (await epochOf(await featureDataset(network, data, { folder }))).xs;
	const inFloat32 = await features();
	setPrecision(network, "mixed_bfloat16");
	const mixed = await features();
	const relative = difference(mixed, inFloat32) / inFloat32.abs().max().dataSync()[0];
	assert.ok(relative > 1e-5 && relative < 0.02, `${relative}`);
	setPrecision(network, "float32");
	assert.equal(difference(await features(), inFloat32), 0);
});
