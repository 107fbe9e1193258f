import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import sharp from "sharp";
import { imageDatasetFromDirectory, imageDatasetFromFiles } from "../../src/datasets/dataset";
import { countImages } from "../../src/datasets/directory";
import type { Batch, ImageDatasetOptions } from "../../src/datasets/types";
import { loadImage } from "../../src/images/decode";
import { copyOfImages, fixture, imageFolder, printed, temporaryFolder } from "../helpers";
import { assertClose, type Recorded, toTensor } from "../tensors";

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
		test(`gives Keras's batches: ${name}`, async () => {
			const expected = recorded[name];
			const data = imageDatasetFromDirectory(imageFolder, { ...small, ...options, cache: false });
			assert.deepEqual(data.classNames, expected.classNames);
			assert.deepEqual(
				data.filePaths.map((path) => path.slice(imageFolder.length + 1)),
				expected.filePaths,
			);
			const batches = await data.toArray();
			assert.equal(batches.length, expected.batches.length);
			assert.equal(data.size, batches.length);
			batches.forEach(({ xs, ys }, i) => {
				assertClose(xs, expected.batches[i].xs, 1e-3, `images of batch ${i}`);
				assertClose(ys, expected.batches[i].ys, 0, `labels of batch ${i}`);
			});
			tf.dispose(batches);
		});
	}

	test("decodes ahead while this thread is busy, for example with training", async () => {
		const folder = join(temporaryFolder(), "train");
		for (const name of ["a", "b"]) {
			mkdirSync(join(folder, name), { recursive: true });
			for (let i = 0; i < 50; i++) cpSync(join(imageFolder, "cats", "plain.jpg"), join(folder, name, `${i}.jpg`));
		}
		const batches = await imageDatasetFromDirectory(folder, small).iterator();
		tf.dispose((await batches.next()).value);
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
		// Files that were not decoded ahead can no longer be read.
		rmSync(folder, { recursive: true });
		let count = 1;
		for (let batch = await batches.next(); !batch.done; batch = await batches.next()) {
			count++;
			tf.dispose(batch.value);
		}
		assert.equal(count, Math.ceil(100 / small.batchSize));
	});

	test("cached images are Keras's, rounded: the same in each epoch, in memory and on disk", async () => {
		const rounded = recorded.bilinear.batches.map(({ xs }) => toTensor(xs).round().dataSync());
		for (const cache of [true, 10_000, 0]) {
			const data = imageDatasetFromDirectory(imageFolder, { ...small, cache });
			for (let epoch = 0; epoch < 2; epoch++) {
				const batches = await data.toArray();
				batches.forEach(({ xs }, i) => {
					assert.deepEqual(xs.dataSync(), rounded[i], `cache ${cache}, epoch ${epoch}, batch ${i}`);
				});
			}
		}
	});

	test("a second epoch does not read the files again", async () => {
		const folder = copyOfImages();
		const sums = async (data: tf.data.Dataset<Batch>) => (await data.toArray()).map(({ xs }) => xs.sum().dataSync()[0]);
		const data = imageDatasetFromDirectory(folder, small);
		const first = await sums(data);
		rmSync(folder, { recursive: true });
		assert.deepEqual(await sums(data), first);
	});

	test("the source's packed batches hold the same images, for any number of bytes", async () => {
		for (const imageSize of [
			[12, 16],
			[5, 7],
			[3, 3],
		] as [number, number][]) {
			const data = imageDatasetFromDirectory(imageFolder, { ...small, imageSize, shuffle: true, seed: 3 });
			const again = imageDatasetFromDirectory(imageFolder, { ...small, imageSize, shuffle: true, seed: 3 });
			const { source } = again;
			assert.ok(source);
			const batches = await data.toArray();
			let i = 0;
			for await (const { xs, ys } of source.batches()) {
				assert.deepEqual(xs.shape, [ys.shape[0], Math.ceil((imageSize[0] * imageSize[1] * 3) / 4)]);
				assert.deepEqual(source.prepare(xs).dataSync(), batches[i].xs.dataSync());
				assert.deepEqual(ys.dataSync(), batches[i++].ys.dataSync());
			}
			assert.equal(i, batches.length);
		}
	});

	test("epochs that are read alternately, or abandoned, do not affect each other", async () => {
		const options = { ...small, batchSize: 1 };
		const expected = (await imageDatasetFromDirectory(imageFolder, options).toArray()).map(({ xs }) => xs.dataSync());
		const data = imageDatasetFromDirectory(imageFolder, options);
		await (await data.iterator()).next();
		const [first, second] = [await data.iterator(), await data.iterator()];
		for (const pixels of expected) {
			for (const iterator of [first, second]) assert.deepEqual((await iterator.next()).value.xs.dataSync(), pixels);
		}
	});

	test("loadImage gives the pixels of batches, cropped or not, for all formats", async () => {
		const folder = copyOfImages();
		const [image] = imageDatasetFromDirectory(folder, small).filePaths;
		for (const format of ["avif", "tiff", "webp"] as const) {
			await sharp(readFileSync(image)).toFormat(format, { lossless: true }).toFile(`${image}.${format}`);
		}
		for (const cropToAspectRatio of [false, true]) {
			const options = { ...small, batchSize: 1, imageSize: [9, 31] as [number, number], cropToAspectRatio };
			const data = imageDatasetFromDirectory(folder, { ...options, cache: false });
			const cached = imageDatasetFromDirectory(folder, options);
			assert.equal(data.filePaths.filter((path) => /\.(avif|tiff|webp)$/.test(path)).length, 3);
			const [exact, rounded] = [await data.toArray(), await cached.toArray()];
			for (const [i, path] of data.filePaths.entries()) {
				const single = await loadImage(path, options);
				const worst = exact[i].xs.squeeze([0]).sub(single).abs().max().dataSync()[0];
				assert.ok(worst < 1e-3, `${path}: ${worst}`);
				assert.deepEqual(rounded[i].xs.dataSync(), single.round().dataSync(), path);
			}
		}
	});

	test("shuffles by seed, differently in every epoch, and loses no image", async () => {
		const order = async (seed: number, epochs: number) => {
			const data = imageDatasetFromDirectory(imageFolder, { ...small, shuffle: true, seed });
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

	test("splits by seed into two disjoint subsets with all files", () => {
		const subset = (name: "training" | "validation") =>
			imageDatasetFromDirectory(imageFolder, { ...small, seed: 5, validationSplit: 0.25, subset: name }).filePaths;
		const [training, validation] = [subset("training"), subset("validation")];
		assert.equal(validation.length, Math.floor(0.25 * (training.length + validation.length)));
		assert.deepEqual(
			[...training, ...validation].sort(),
			[...imageDatasetFromDirectory(imageFolder, small).filePaths].sort(),
		);
		assert.throws(
			() => imageDatasetFromDirectory(imageFolder, { ...small, validationSplit: 0.2 }),
			/subset is undefined: .* go together/,
		);
	});

	test("leaks no tensors from epoch to epoch", async () => {
		const data = imageDatasetFromDirectory(imageFolder, small);
		const before = tf.memory().numTensors;
		for (let epoch = 0; epoch < 3; epoch++) {
			await data.forEachAsync((batch) => tf.dispose(batch));
			assert.equal(tf.memory().numTensors, before);
		}
	});

	test("uses the order of classNames, and prints what it found", async () => {
		const text = await printed(() => {
			const data = imageDatasetFromDirectory(imageFolder, { classNames: ["dogs", "cats"] });
			assert.deepEqual(data.classNames, ["dogs", "cats"]);
			assert.equal(data.labels[0], 0);
			assert.match(data.filePaths[0], /dogs/);
		});
		assert.equal(text, "Found 8 files belonging to 2 classes.");
		assert.throws(
			() => imageDatasetFromDirectory(imageFolder, { classNames: ["cats"] }),
			/classNames and .*images have different classes: dogs is only in .*images; both need the same/,
		);
		assert.throws(
			() => imageDatasetFromDirectory(imageFolder, { classNames: ["birds"] }),
			/different classes: birds is only in classNames, cats, dogs are only in .*images/,
		);
	});

	test("reads names with spaces, newlines and other scripts, and more than two classes", async () => {
		const folder = temporaryFolder();
		for (const [i, name] of ["a b.jpg", "line\nbreak.jpg", "снег 雪.jpg"].entries()) {
			mkdirSync(join(folder, `class ${i}`));
			cpSync(join(imageFolder, "cats", "plain.jpg"), join(folder, `class ${i}`, name));
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

	test("follows links to folders only with followLinks, and never in cycles", () => {
		const folder = copyOfImages();
		symlinkSync(folder, join(folder, "cats", "loop"));
		assert.equal(imageDatasetFromDirectory(folder, small).filePaths.length, 8);
		const followed = imageDatasetFromDirectory(folder, { ...small, followLinks: true }).filePaths;
		assert.ok(followed.length >= 8 && followed.length < 40);
	});

	test("messages name the problem of a folder, and what was expected", async () => {
		const folder = copyOfImages();
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
		assert.throws(() => imageDatasetFromDirectory(imageFolder, { ...small, batchSize: 0 }), /batchSize is 0/);
		assert.throws(() => imageDatasetFromDirectory(imageFolder, { ...small, imageSize: [-1, 5] }), /imageHeight is -1/);
	});

	test("the message names the file that cannot be decoded", async () => {
		const folder = copyOfImages();
		writeFileSync(join(folder, "cats", "broken.jpg"), "no image");
		await assert.rejects(
			imageDatasetFromDirectory(folder, small).toArray(),
			/broken\.jpg cannot be decoded .*run cleanTheData/,
		);
	});
});

test("loadImage gives the pixels of a dataset exactly", async () => {
	const { filePaths } = imageDatasetFromDirectory(imageFolder, small);
	const image = await loadImage(filePaths[1], small);
	const [batch] = await imageDatasetFromDirectory(imageFolder, { ...small, cache: false })
		.take(1)
		.toArray();
	assert.deepEqual(image.dataSync(), batch.xs.slice(1, 1).dataSync());
});

test("countImages counts images per class of each split", () => {
	assert.deepEqual(countImages(join(imageFolder, ".."), ["images"]), [
		{ split: "images", class: "cats", images: 4 },
		{ split: "images", class: "dogs", images: 4 },
	]);
});

describe("imageDatasetFromFiles", () => {
	const complete = imageDatasetFromDirectory(imageFolder, { imageSize: [8, 8], shuffle: false, verbose: false });

	test("reads the listed files with their labels", async () => {
		const files = [5, 0, 3].map((i) => ({ path: complete.filePaths[i], label: 1 - complete.labels[i] }));
		const options = {
			imageSize: [8, 8] as [number, number],
			classNames: ["cats", "dogs"],
			shuffle: false,
			verbose: false,
		};
		const subset = imageDatasetFromFiles(files, options);
		const [[batch], [all]] = [await subset.toArray(), await complete.toArray()];
		assert.deepEqual(
			batch.ys.arraySync(),
			files.map(({ label }) => label),
		);
		const selected = all.xs.gather(tf.tensor1d([5, 0, 3], "int32"));
		assert.equal(batch.xs.sub(selected).abs().max().dataSync()[0], 0);
		assert.deepEqual(
			[subset.size, subset.classNames, subset.filePaths],
			[1, ["cats", "dogs"], files.map(({ path }) => path)],
		);
	});

	test("rejects empty lists and labels without a class", () => {
		const classNames = ["cats", "dogs"];
		assert.throws(
			() => imageDatasetFromFiles([], { classNames }),
			/there are no files to make a dataset of: expected at least one/,
		);
		const files = [{ path: "a.jpg", label: 2 }];
		assert.throws(
			() => imageDatasetFromFiles(files, { classNames }),
			/a\.jpg has the label 2: the classes are cats, dogs/,
		);
	});
});
