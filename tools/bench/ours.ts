// The same steps in TypeScript, one for each line on standard input; answers with milliseconds as JSON.
import { join } from "node:path";
import { createInterface } from "node:readline";
import { augmented, dataAugmentation } from "../../src/augmentation";
import { cleanTheData } from "../../src/cleaning";
import { cnn } from "../../src/cnn";
import { imageDatasetFromDirectory } from "../../src/datasets";
import { compile, evaluate, train } from "../../src/training";

const dataset = process.argv[2];
const options = { seed: 42, imageSize: [64, 64] as [number, number], verbose: false };
const trainedData = augmented(imageDatasetFromDirectory(join(dataset, "train"), options), dataAugmentation(64, 42));
const testedData = imageDatasetFromDirectory(join(dataset, "test"), options);
const model = cnn();
compile(model);

const clean = async () => {
	const log = console.log;
	console.log = () => {};
	await cleanTheData(join(dataset, "train"), { dryRun: true });
	console.log = log;
};
const steps: Record<string, () => Promise<unknown>> = {
	// Ours always decodes in full.
	"verify headers": clean,
	"decode in full": clean,
	"train an epoch": () => train(model, trainedData, { epochs: 1, onProgress: null }),
	evaluate: () => evaluate(model, testedData),
};

(async () => {
	for await (const line of createInterface({ input: process.stdin })) {
		const started = performance.now();
		await steps[line.trim()]();
		console.log(JSON.stringify({ ms: performance.now() - started }));
	}
})();
