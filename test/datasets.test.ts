import assert from "node:assert/strict";
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { countImages, type ImageDatasetOptions, imageDatasetFromDirectory, loadImage } from "../src/datasets";
import { assertClose, copyOfPictures, fixture, pictures, printed, type Recorded, temporaryFolder } from "./fixtures";

type Case = { classNames: string[]; filePaths: string[]; batches: { xs: Recorded; ys: Recorded }[] };
const recorded = fixture<Record<string, Case>>("datasets");
const small = { imageSize: [12, 16] as [number, number], batchSize: 3, shuffle: false, verbose: false };

describe("imageDatasetFromDirectory", () => {
	const variants: Record<string, ImageDatasetOptions> = {
		bilinear: {},
		nearest: { interpolation: "nearest" },
		crop: { cropToAspectRatio: true },
		categorical: { labelMode: "categorical" },
		binary: { labelMode: "binary" },
	};
	for (const [name, options] of Object.entries(variants)) {
		test(`gives the batches that Keras gives: ${name}`, async () => {
			const expected = recorded[name];
			const data = imageDatasetFromDirectory(pictures, { ...small, ...options });
			assert.deepEqual(data.classNames, expected.classNames);
			assert.deepEqual(
				data.filePaths.map((path) => path.slice(pictures.length + 1)),
				expected.filePaths,
			);
			const batches = await data.toArray();
			assert.equal(batches.length, expected.batches.length);
			assert.equal(data.size, batches.length);
			batches.forEach(({ xs, ys }, i) => {
				assertClose(xs, expected.batches[i].xs, 1e-3, `pictures of batch ${i}`);
				assertClose(ys, expected.batches[i].ys, 0, `labels of batch ${i}`);
			});
			tf.dispose(batches);
		});
	}

	test("shuffles by seed, anew in each epoch, and loses no picture", async () => {
		const order = async (seed: number, epochs: number) => {
			const data = imageDatasetFromDirectory(pictures, { ...small, shuffle: true, seed });
			const sums: number[][] = [];
			for (let epoch = 0; epoch < epochs; epoch++) {
				const batches = await data.toArray();
				sums.push(batches.flatMap(({ xs }) => [...xs.sum([1, 2, 3]).dataSync()]));
				tf.dispose(batches);
			}
			return sums;
		};
		const [first, second] = await order(1, 2);
		assert.notDeepEqual(first, second);
		assert.deepEqual([...first].sort(), [...second].sort());
		assert.deepEqual(await order(1, 2), [first, second]);
		assert.notDeepEqual((await order(2, 1))[0], first);
	});

	test("splits by seed into two disjoint subsets that are everything", () => {
		const subset = (name: "training" | "validation") =>
			imageDatasetFromDirectory(pictures, { ...small, seed: 5, validationSplit: 0.25, subset: name }).filePaths;
		const [training, validation] = [subset("training"), subset("validation")];
		assert.equal(validation.length, Math.floor(0.25 * (training.length + validation.length)));
		assert.deepEqual(
			[...training, ...validation].sort(),
			[...imageDatasetFromDirectory(pictures, small).filePaths].sort(),
		);
		assert.throws(() => imageDatasetFromDirectory(pictures, { ...small, validationSplit: 0.2 }), /go together/);
	});

	test("keeps the number of tensors flat from epoch to epoch", async () => {
		const data = imageDatasetFromDirectory(pictures, small);
		const before = tf.memory().numTensors;
		for (let epoch = 0; epoch < 3; epoch++) {
			await data.forEachAsync((batch) => tf.dispose(batch));
			assert.equal(tf.memory().numTensors, before);
		}
	});

	test("takes classes in the order asked for, and says what it found", async () => {
		const text = await printed(() => {
			const data = imageDatasetFromDirectory(pictures, { classNames: ["dogs", "cats"] });
			assert.deepEqual(data.classNames, ["dogs", "cats"]);
			assert.equal(data.labels[0], 0);
			assert.match(data.filePaths[0], /dogs/);
		});
		assert.equal(text, "Found 8 files belonging to 2 classes.");
		assert.throws(
			() => imageDatasetFromDirectory(pictures, { classNames: ["birds"] }),
			/no class birds: its folders are cats, dogs/,
		);
	});

	test("reads names with spaces, newlines and other scripts, and more than two classes", async () => {
		const folder = temporaryFolder();
		for (const [i, name] of ["a b.jpg", "line\nbreak.jpg", "снег 雪.jpg"].entries()) {
			mkdirSync(join(folder, `class ${i}`));
			cpSync(join(pictures, "cats", "plain.jpg"), join(folder, `class ${i}`, name));
		}
		const batches = await imageDatasetFromDirectory(folder, { ...small, labelMode: "categorical" }).toArray();
		assert.deepEqual(batches[0].ys.arraySync(), [
			[1, 0, 0],
			[0, 1, 0],
			[0, 0, 1],
		]);
		assert.throws(() => imageDatasetFromDirectory(folder, { ...small, labelMode: "binary" }), /exactly two classes/);
		tf.dispose(batches);
	});

	test("follows links to folders only when asked, and never in circles", () => {
		const folder = copyOfPictures();
		symlinkSync(folder, join(folder, "cats", "loop"));
		assert.equal(imageDatasetFromDirectory(folder, small).filePaths.length, 8);
		const followed = imageDatasetFromDirectory(folder, { ...small, followLinks: true }).filePaths;
		assert.ok(followed.length >= 8 && followed.length < 40);
	});

	test("names what is wrong with a folder, and what to do", async () => {
		const folder = copyOfPictures();
		const fails = (directory: string, pattern: RegExp) =>
			assert.throws(
				() => imageDatasetFromDirectory(directory, small),
				(error: Error) => {
					assert.match(error.message, pattern);
					assert.ok(!error.message.includes("\n"));
					return true;
				},
			);
		fails(join(folder, "nothing"), /there is no such folder; expected one folder per class, for example/);
		fails(join(folder, "cats"), /has no images: expected one folder per class/);
		fails(join(folder, "cats", "plain.jpg"), /not a folder/);
		mkdirSync(join(folder, "empty"));
		fails(folder, /empty has no images: expected files ending in/);
		rmSync(join(folder, "empty"), { recursive: true });
		rmSync(join(folder, "dogs"), { recursive: true });
		fails(folder, /has only one class \(cats\)/);
		assert.throws(() => imageDatasetFromDirectory(pictures, { ...small, batchSize: 0 }), /batchSize is 0/);
		assert.throws(() => imageDatasetFromDirectory(pictures, { ...small, imageSize: [-1, 5] }), /imageHeight is -1/);
	});

	test("names the file that cannot be decoded", async () => {
		const folder = copyOfPictures();
		writeFileSync(join(folder, "cats", "broken.jpg"), "no picture");
		await assert.rejects(
			imageDatasetFromDirectory(folder, small).toArray(),
			/broken\.jpg cannot be decoded .*run cleanTheData/,
		);
	});
});

test("loadImage gives the pixels of the dataset", async () => {
	const { filePaths } = imageDatasetFromDirectory(pictures, small);
	const image = await loadImage(filePaths[1], small);
	const [batch] = await imageDatasetFromDirectory(pictures, small).take(1).toArray();
	assert.deepEqual(image.dataSync(), batch.xs.slice(1, 1).dataSync());
});

test("countImages counts pictures per class of each split", () => {
	assert.deepEqual(countImages(join(pictures, ".."), ["pictures"]), [
		{ split: "pictures", class: "cats", pictures: 4 },
		{ split: "pictures", class: "dogs", pictures: 4 },
	]);
});
