// Features of a pretrained network, one image size for each line on standard input; answers with milliseconds as JSON.
import { createInterface } from "node:readline";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { foldBatchNorm, pretrained } from "../../src/cnn";
import { compiledModel } from "../../src/tensorflow/layers-model";
import { predictStep } from "../../src/tensorflow/steps";

/** Batches of 32 images a step. */
const BATCHES = 4;

/** Returns the step of an image size, as `featureDataset` computes features; without reading files. */
async function stepOf(imageSize: number): Promise<() => void> {
	const network = foldBatchNorm(await pretrained("efficientnet-lite0", { imageSize, weights: null }));
	const run = predictStep(compiledModel(network), (xs) => xs, { fast: true });
	const images = tf.randomUniform([32, imageSize, imageSize, 3], 0, 255);
	return () => {
		for (let i = 0; i < BATCHES; i++) {
			const [features] = run([images]);
			features.dataSync();
			features.dispose();
		}
	};
}

(async () => {
	const steps = new Map<string, () => void>();
	for await (const line of createInterface({ input: process.stdin })) {
		const size = line.trim().split(" ")[0];
		const step = steps.get(size) ?? (await stepOf(Number(size)));
		steps.set(size, step);
		const started = performance.now();
		step();
		console.log(JSON.stringify({ ms: performance.now() - started }));
	}
})();
