// What to label next: how accurate a softmax layer on pretrained features becomes with the labels that each method asks for.
// Arguments: the number of seeds, the folders of the data sets.
import { basename, join } from "node:path";
import seedrandom from "seedrandom";
import { pretrained } from "../../src/cnn";
import { imageDatasetFromDirectory, type LabelledFile } from "../../src/datasets";
import { accuracyScore, type Interval, meanConfint } from "../../src/metrics";
import {
	type Fit,
	featureClassifier,
	featuresOf,
	type LearningMethod,
	type LearningPoint,
	labelNext,
	learningCurves,
} from "../../src/review";
import { at } from "../setup/paths.mjs";
import { save } from "./results";

const METHODS = ["uncertainty", "diversity", "both", "random"] as const;
const LABELS = [10, 20, 40, 60, 80, 120, 160, 240, 320];
/** Fraction of the accuracy with all labels that is to be reached. */
const GOAL = 0.95;
/** Least number of training steps: twenty passes over ten images are as many steps. */
const STEPS = 200;
const BATCH = 32;
const folder = at("bench", "features");

type Curves = Record<LearningMethod, LearningPoint[]>;
type Row = Record<string, string | number | null>;

async function main([given, ...datasets]: string[]): Promise<void> {
	const seeds = Array.from({ length: Number(given) }, (_, seed) => seed);
	const table: Row[] = [];
	for (const dataset of datasets) table.push(...(await benchDataset(dataset, seeds)));
	const seconds = secondsOf(10_000);
	console.log("\n100 of 10,000 images, 1,280 features, 100 labelled:");
	for (const [method, time] of Object.entries(seconds)) console.log(`${method.padEnd(12)}${time.toFixed(2)} s`);
	save(table, { datasets, seeds, goal: GOAL, seconds }, "label-next");
}

async function benchDataset(dataset: string, seeds: number[]): Promise<Row[]> {
	const name = basename(dataset);
	const filesOf = (split: string) => {
		const { filePaths, labels, classNames } = imageDatasetFromDirectory(join(dataset, split), { verbose: false });
		return { classNames, files: filePaths.map((path, i): LabelledFile => ({ path, label: labels[i] })) };
	};
	const [{ files: pool, classNames }, { files: validation }] = [filesOf("train"), filesOf("valid")];
	console.log(`\n${name}: ${pool.length} images to label, ${validation.length} validation images`);
	const network = await pretrained("efficientnet-lite0");
	const fit: Fit = (train, test, seed) => {
		const epochs = Math.max(20, Math.ceil(STEPS / Math.ceil(train.length / BATCH)));
		return featureClassifier(network, { classNames, folder, onProgress: null, epochs, batchSize: BATCH })(
			train,
			test,
			seed,
		);
	};
	const features = await featuresOf(network, pool, { folder, onProgress: null });
	const labels = LABELS.filter((count) => count < pool.length);
	const [curves, full]: [Curves[], number[]] = [[], []];
	for (const seed of seeds) {
		curves.push(await learningCurves(pool, validation, fit, { methods: METHODS, labels, seed, features }));
		full.push(accuracyOf(validation, await fit(pool, validation, seed)));
	}
	return printed(name, curves, full);
}

function accuracyOf(files: LabelledFile[], rows: number[][]): number {
	const predicted = rows.map((row) => row.indexOf(Math.max(...row)));
	return accuracyScore(
		files.map(({ label }) => label),
		predicted,
	);
}

/** Prints the mean accuracy of each method at each number of labels, and how many labels reach the goal. */
function printed(name: string, curves: Curves[], full: number[]): Row[] {
	const print = (title: string, cells: string[]) =>
		console.log(`${title.padEnd(32)}${cells.map((cell) => cell.padStart(26)).join("")}`);
	const accuracies = (method: LearningMethod, i: number) => curves.map((curve) => curve[method][i].accuracy);
	const labels = curves[0].random.map((point) => point.labels);
	print("labels", [...METHODS]);
	const rows: Row[] = [];
	for (const [i, count] of labels.entries()) {
		const intervals = METHODS.map((method) => meanConfint(accuracies(method, i)));
		print(String(count), intervals.map(percents));
		rows.push(...METHODS.map((method, m) => ({ name, method, labels: count, ...intervals[m] })));
	}
	const all = meanConfint(full);
	const goal = GOAL * all.value;
	console.log(`all labels: ${percents(all)}`);
	const reached = METHODS.map((method) => labels.find((_, i) => meanConfint(accuracies(method, i)).value >= goal));
	print(
		`labels to ${(100 * goal).toFixed(1)} %`,
		reached.map((count) => String(count ?? `over ${labels.at(-1)}`)),
	);
	const gains = METHODS.map((method) => meanConfint(curves.map((curve) => meanAccuracy(curve, method))));
	print("mean, minus that of random", gains.map(percents));
	const summary = METHODS.map((method, m) => ({ name, method, goal, reached: reached[m] ?? null, ...gains[m] }));
	return [...rows, { name, method: "all labels", ...all }, ...summary];
}

/** The mean accuracy along a learning curve, minus that of random labels with the same seed. */
function meanAccuracy(curves: Curves, method: LearningMethod): number {
	const meanOf = (points: LearningPoint[]) => points.reduce((sum, { accuracy }) => sum + accuracy, 0) / points.length;
	return meanOf(curves[method]) - meanOf(curves.random);
}

function percents(interval: Interval): string {
	const [value, low, high] = [interval.value, interval.low, interval.high].map((part) => (100 * part).toFixed(1));
	// Of one seed the spread is unknown.
	return Number.isNaN(interval.low) ? `${value} %` : `${value} % (${low} to ${high})`;
}

/** Measures how long each method takes to choose 100 images with random features and probabilities. */
function secondsOf(images: number): Record<string, number> {
	const random = seedrandom("time");
	const length = 1280;
	const draw = (rows: number) => ({
		values: Float32Array.from({ length: rows * length }, () => random()),
		images: rows,
		length,
	});
	const probabilities = Array.from({ length: images }, () => random()).map((p) => [p, 1 - p]);
	const [features, labelled] = [draw(images), draw(100)];
	return Object.fromEntries(
		METHODS.filter((method) => method !== "random").map((method) => {
			const started = performance.now();
			labelNext({ probabilities, features, labelled }, 100, { method });
			return [method, (performance.now() - started) / 1000];
		}),
	);
}

main(process.argv.slice(2)).catch((error) => {
	console.error(error);
	process.exitCode = 1;
});
