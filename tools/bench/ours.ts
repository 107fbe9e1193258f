// The pipeline's steps, one for each line on standard input; answers with milliseconds as JSON.
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { augment, augmented, dataAugmentation } from "../../src/augmentation";
import { cnn } from "../../src/cnn";
import { type Batch, imageDatasetFromDirectory } from "../../src/datasets";
import { evaluate, predict } from "../../src/evaluation";
import { traced } from "../../src/tensorflow/graph";
import { compile, train } from "../../src/training";

const [dataset, ...options] = process.argv.slice(2);
const mode = options.pop();
const [precision = "float32"] = options;
const augmentation = dataAugmentation(64, 42);
const model = cnn({ seed: 42, precision });
compile(model);

function load(split: string, cache: boolean, batchSize = 32) {
	const options = { seed: 42, imageSize: [64, 64] as [number, number], batchSize, cache, verbose: false };
	return imageDatasetFromDirectory(join(dataset, split), options);
}

/** Loads all training images as one tensor, to be taken in batches of a new order each epoch. */
async function inMemory() {
	const batches = await load("train", false).toArray();
	const [xs, ys] = [tf.concat(batches.map((batch) => batch.xs)), tf.concat(batches.map((batch) => batch.ys))];
	tf.dispose(batches);
	return (batchSize: number) => {
		const data = tf.data.generator(function* (): Generator<Batch> {
			const order = tf.util.createShuffledIndices(xs.shape[0]);
			for (let i = 0; i < order.length; i += batchSize) {
				const chosen = tf.tensor1d(new Int32Array(order.slice(i, i + batchSize)), "int32");
				yield { xs: xs.gather(chosen), ys: ys.gather(chosen) };
				chosen.dispose();
			}
		});
		return Object.assign(data, { size: Math.ceil(xs.shape[0] / batchSize) });
	};
}

async function makeSteps(): Promise<Record<string, () => Promise<unknown>>> {
	const memory = await inMemory();
	const [batchesOf32, batchesOf128] = [memory(32), memory(128)];
	const [files, cached, test] = [load("train", false), load("train", true), load("test", true)];
	const [augmentedFiles, augmentedCached] = [augmented(files, augmentation), augmented(cached, augmentation)];
	const images = tf.randomUniform([32, 64, 64, 3], 0, 255) as tf.Tensor4D;
	const augmentInGraph = traced(([batch]) => [augment(batch as tf.Tensor4D, augmentation)]);
	const fit = (data: tf.data.Dataset<Batch>) => () => train(model, data, { epochs: 1, onProgress: null });
	return {
		"train, batch 32": fit(batchesOf32),
		"train, batch 32, many steps a call": fit(batchesOf32),
		"train, batch 128": fit(batchesOf128),
		"train, batch 128, many steps a call": fit(batchesOf128),
		"epoch from files": fit(files),
		"epoch from files, augmented": fit(augmentedFiles),
		"epoch, cached": fit(cached),
		"epoch, cached, augmented": fit(augmentedCached),
		evaluate: () => evaluate(model, test),
		predict: () => predict(model, batchesOf32),
		"augment 100 batches": async () => {
			for (let i = 0; i < 100; i++) tf.dispose(augmentInGraph([images]));
		},
	};
}

/** The steps that measure a GPU: several epochs each, since one is soon over. */
function makeGpuSteps(): Record<string, () => Promise<unknown>> {
	const epochs = (cache: boolean, batchSize: number) => {
		const data = load("train", cache, batchSize);
		return () => train(model, data, { epochs: Number(process.env.EPOCHS), onProgress: null });
	};
	return {
		"from files, batch 32": epochs(false, 32),
		"from files, batch 256": epochs(false, 256),
		"cached, batch 32": epochs(true, 32),
		"cached, batch 256": epochs(true, 256),
	};
}

/** Runs two epochs, the second after a line: for oneDNN's log on standard output. */
async function runForProfile() {
	const data = (await inMemory())(128);
	await train(model, data, { epochs: 1, onProgress: null });
	console.log("measured");
	await train(model, data, { epochs: 1, onProgress: null });
}

/** Runs one training: reports when the first epoch ended, and at the end how much memory it took. */
async function runOnce() {
	const options = { validationData: load("valid", true), epochs: 3 };
	const onEpochEnd = async (epoch: number) => {
		if (epoch === 0) console.log(JSON.stringify({ first: true }));
	};
	const data = augmented(load("train", true), augmentation);
	await train(model, data, { ...options, callbacks: [new tf.CustomCallback({ onEpochEnd })], onProgress: null });
	console.log(JSON.stringify({ megabytes: process.resourceUsage().maxRSS / 1024 }));
}

(async () => {
	if (mode === "once") return runOnce();
	if (mode === "profile") return runForProfile();
	const steps = mode === "gpu" ? makeGpuSteps() : await makeSteps();
	for await (const line of createInterface({ input: process.stdin })) {
		const started = performance.now();
		await steps[line.trim()]();
		console.log(JSON.stringify({ ms: performance.now() - started }));
	}
})();
