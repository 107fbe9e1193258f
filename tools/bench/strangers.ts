// Strangers: how well images of other data sets, and noise, are told from those of a data set. Arguments: the folders of the
// data sets.
import { mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import seedrandom from "seedrandom";
import sharp from "sharp";
import { pretrained } from "../../src/cnn";
import { imageDatasetFromDirectory, type LabelledFile } from "../../src/datasets";
import { predictImages } from "../../src/evaluation";
import { conformalQuantile, proportionConfint, rocAucScore } from "../../src/metrics";
import { DEFAULT_PARAMETERS, loadOrTrain } from "../../src/pipeline";
import {
	detectStrangers,
	type FeatureMatrix,
	featureClassifier,
	featurePart,
	featuresOf,
	fitStrangers,
	maximumSoftmaxScores,
} from "../../src/review";
import { at } from "../setup/paths.mjs";
import { save } from "./results";

const SEED = 7;
const FALSE_ALARM_RATE = 0.05;
const NOISE = { images: 100, size: 256 };
const work = at("bench", "strangers");
const features = { folder: at("bench", "features"), onProgress: null };

/** Images by the name of their set. */
type Sets = Record<string, string[]>;
/** Scores of images, by what they are computed from; then by the name of the set. */
type Scores = Record<string, Record<string, number[]>>;

async function main(datasets: string[]): Promise<void> {
	const noise = await noiseImages();
	const tests = Object.fromEntries(datasets.map((dataset) => [basename(dataset), pathsOf(dataset, "test")]));
	const table: object[] = [];
	for (const dataset of datasets) {
		const { [basename(dataset)]: test, ...others } = tests;
		const sets = { validation: pathsOf(dataset, "valid"), test, ...others, "uniform noise": noise };
		const scores = { ...(await scoresOfCnn(dataset, sets)), ...(await scoresOfPretrained(dataset, sets)) };
		table.push(...printed(basename(dataset), scores));
	}
	const seconds = await secondsOf(10_000);
	console.log(`\n10,000 images among 10,000 training images, 1,280 features: ${seconds.toFixed(1)} s`);
	save(table, { datasets, falseAlarmRate: FALSE_ALARM_RATE, seconds }, "strangers");
}

const filesOf = (dataset: string, split: string) => imageDatasetFromDirectory(join(dataset, split), { verbose: false });
const pathsOf = (dataset: string, split: string) => filesOf(dataset, split).filePaths;

/** Writes images whose pixels are drawn uniformly. */
async function noiseImages(): Promise<string[]> {
	const { images, size } = NOISE;
	const folder = join(work, "noise");
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	const random = seedrandom(`${SEED}/noise`);
	const paths = Array.from({ length: images }, (_, i) => join(folder, `${i}.png`));
	for (const path of paths) {
		const pixels = Uint8Array.from({ length: 3 * size * size }, () => 256 * random());
		await sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
			.png()
			.toFile(path);
	}
	return paths;
}

/** Scores of a network that is trained here, with the default parameters. */
async function scoresOfCnn(dataset: string, sets: Sets): Promise<Scores> {
	const parameters = { ...DEFAULT_PARAMETERS, seed: SEED };
	const { model, record } = await loadOrTrain(dataset, join(work, basename(dataset)), parameters);
	const predictions = await predictImages(model, Object.values(sets).flat(), { classNames: record.classNames });
	const softmax = maximumSoftmaxScores(predictions.map(({ probabilities }) => probabilities));
	return {
		"CNN features": await distances(featurePart(model), dataset, sets),
		"CNN softmax": inSets(softmax, sets),
	};
}

/** Scores of a pretrained network, and of a softmax layer that is trained on it. */
async function scoresOfPretrained(dataset: string, sets: Sets): Promise<Scores> {
	const network = await pretrained("efficientnet-lite0");
	const { filePaths, labels, classNames } = filesOf(dataset, "train");
	const train = filePaths.map((path, i): LabelledFile => ({ path, label: labels[i] }));
	const unlabelled = Object.values(sets).flatMap((paths) => paths.map((path) => ({ path, label: 0 })));
	const probabilities = await featureClassifier(network, { ...features, classNames })(train, unlabelled, SEED);
	return {
		"lite0 features": await distances(network, dataset, sets),
		"lite0 softmax": inSets(maximumSoftmaxScores(probabilities), sets),
	};
}

async function distances(network: Parameters<typeof featuresOf>[0], dataset: string, sets: Sets) {
	const ofPaths = (paths: string[]) =>
		featuresOf(
			network,
			paths.map((path) => ({ path })),
			features,
		);
	const detector = await fitStrangers(await ofPaths(pathsOf(dataset, "train")), await ofPaths(sets.validation));
	const found = await detectStrangers(await ofPaths(Object.values(sets).flat()), detector);
	return inSets(
		found.map(({ score }) => score),
		sets,
	);
}

/** Divides the scores of all images into those of each set. */
function inSets(scores: number[], sets: Sets): Record<string, number[]> {
	let start = 0;
	const entries = Object.entries(sets).map(([name, { length }]): [string, number[]] => {
		start += length;
		return [name, scores.slice(start - length, start)];
	});
	return Object.fromEntries(entries);
}

/** Prints how well each score tells strangers from test images, and how many of both are above its threshold. */
function printed(name: string, scores: Scores): object[] {
	const columns = Object.keys(scores);
	const print = (title: string, cells: string[]) =>
		console.log(`${title.padEnd(44)}${cells.map((cell) => cell.padStart(22)).join("")}`);
	console.log(`\n${name}`);
	print("", columns);
	const thresholds = columns.map((column) => conformalQuantile(scores[column].validation, 1 - FALSE_ALARM_RATE));
	const above = (set: string) =>
		columns.map((column, i) => scores[column][set].filter((score) => score > thresholds[i]).length);
	const { validation, test, ...strangers } = scores[columns[0]];
	const rows: object[] = [];
	for (const set of Object.keys(strangers)) {
		const aurocs = columns.map((column) => auroc(scores[column].test, scores[column][set]));
		const found = above(set).map((count) => count / strangers[set].length);
		const cells = aurocs.map((value, i) => `${value.toFixed(3)} (${(100 * found[i]).toFixed(0)} %)`);
		print(`AUROC of ${set} (found)`, cells);
		rows.push(...columns.map((score, i) => ({ name, set, score, auroc: aurocs[i], found: found[i] })));
	}
	const alarms = above("test");
	const cells = alarms.map((count) => {
		const { low, high } = proportionConfint(count, test.length);
		const [rate, from, to] = [count / test.length, low, high].map((value) => (100 * value).toFixed(1));
		return `${rate} % (${from}–${to})`;
	});
	print(`false alarms at ${100 * FALSE_ALARM_RATE} %, ${test.length} test images`, cells);
	rows.push(...columns.map((score, i) => ({ name, set: "test", score, falseAlarms: alarms[i] / test.length })));
	return rows;
}

function auroc(usual: number[], strange: number[]): number {
	const isStranger = [...usual.map(() => 0), ...strange.map(() => 1)];
	return rocAucScore(isStranger, [...usual, ...strange]);
}

/** Measures how long it takes to find the strangers among images of random features, and as many training images. */
async function secondsOf(images: number): Promise<number> {
	const random = seedrandom(`${SEED}/features`);
	const length = 1280;
	const draw = (rows: number): FeatureMatrix => ({
		values: Float32Array.from({ length: rows * length }, () => random()),
		images: rows,
		length,
	});
	const detector = await fitStrangers(draw(images), draw(images / 10));
	const drawn = draw(images);
	const started = performance.now();
	await detectStrangers(drawn, detector);
	return (performance.now() - started) / 1000;
}

main(process.argv.slice(2)).catch((error) => {
	console.error(error);
	process.exitCode = 1;
});
