// Wrong labels, planted in data sets: how many are found, beside cleanlab on the same probabilities, and what correcting
// them is worth. Arguments: cleanlab's Python, the number of rounds, the folders of the data sets.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import seedrandom from "seedrandom";
import { findIssues } from "../../src/cleaning";
import { pretrained } from "../../src/cnn";
import { imageDatasetFromDirectory, type LabelledFile } from "../../src/datasets";
import { accuracyScore, meanConfint } from "../../src/metrics";
import { type Fit, featureClassifier, outOfFoldProbabilities, worthOf } from "../../src/review";
import { shuffled } from "../../src/support/iteration";
import { at } from "../setup/paths.mjs";
import { report, save } from "./results";
import { type Commands, compiled, interleaved, start } from "./sides";

/** What a side finds: indices of images. */
type Found = { issues: number[]; ranking: number[] };
type Row = Record<string, string | number>;

const SEED = 7;
const FRACTIONS = [0.05, 0.1];
const work = at("bench", "review");

async function main([python, given, ...datasets]: string[]): Promise<void> {
	const rounds = Number(given);
	const commands = {
		ours: ["node", await compiled("review-side.ts")],
		python: [python, at("tools", "bench", "review_peer.py")],
	};
	try {
		const table: Row[] = [];
		for (const dataset of datasets) for (const row of await benchDataset(dataset, rounds, commands)) table.push(row);
		save(table, { datasets, rounds }, "review");
		const times = Object.entries(await interleaved(commands, synthetic(), rounds));
		const named = times.map(([step, measured]) => [step.replace(join(work, "/"), ""), measured]);
		report(Object.fromEntries(named), { dataset: "synthetic", rounds }, "review-times");
	} finally {
		rmSync(work, { recursive: true, force: true });
	}
}

async function benchDataset(dataset: string, rounds: number, commands: Commands): Promise<Row[]> {
	const filesOf = (split: string) => {
		const { filePaths, labels, classNames } = imageDatasetFromDirectory(join(dataset, split), {
			verbose: false,
			labels: "folders",
		});
		return { classNames, files: filePaths.map((path, i) => ({ path, label: labels[i] })) };
	};
	const [{ files, classNames }, { files: test }] = [filesOf("train"), filesOf("test")];
	const network = await pretrained("efficientnet-lite0");
	const fit = featureClassifier(network, { classNames, folder: at("bench", "features") });
	const { duplicates } = await findIssues(dataset, { onProgress: null });
	const lookAlikes = duplicates.map(({ paths }) => paths.map((path) => join(dataset, path)));
	const rows: Row[] = [];
	for (const fraction of FRACTIONS) {
		const name = `${basename(dataset)}, ${100 * fraction} % flipped`;
		console.log(`\n${name}: ${files.length} training images, ${test.length} test images`);
		const flipped = flip(files, fraction, classNames.length);
		const started = performance.now();
		const probabilities = await outOfFoldProbabilities(flipped, fit, { seed: SEED, lookAlikes });
		const seconds = (performance.now() - started) / 1000;
		console.log(`out-of-fold probabilities: ${seconds.toFixed(1)} s, once`);
		const found = await findOnBothSides(commands, flipped, probabilities);
		const detection = Object.entries(found).map(([side, each]) => detected(name, side, each, files, flipped));
		const corrections = await benchWorth(name, { files, flipped, test }, found.ours.ranking, fit, rounds);
		rows.push(...detection, ...corrections);
	}
	return rows;
}

/** Gives a share of the files another label. */
function flip(files: LabelledFile[], fraction: number, classes: number): LabelledFile[] {
	const random = seedrandom(`${SEED}/labels`);
	const wrong = new Set(shuffled([...files.keys()], `${SEED}/flips`).slice(0, Math.round(fraction * files.length)));
	return files.map(({ path, label }, i) => {
		const step = 1 + Math.floor(random() * (classes - 1));
		return { path, label: wrong.has(i) ? (label + step) % classes : label };
	});
}

function writeNumbers(folder: string, lists: Record<string, NodeJS.TypedArray>): void {
	mkdirSync(folder, { recursive: true });
	for (const [name, values] of Object.entries(lists)) writeFileSync(join(folder, name), values);
}

async function findOnBothSides(commands: Commands, files: LabelledFile[], probabilities: number[][]) {
	const labels = Int32Array.from(files, ({ label }) => label);
	writeNumbers(join(work, "given"), { labels, probabilities: Float64Array.from(probabilities.flat()) });
	const find = async (command: string[]) => {
		const child = start(command);
		const found = (await child.ask(`label issues of ${join(work, "given")}`)) as unknown as Found;
		child.end();
		return found;
	};
	return { ours: await find(commands.ours), cleanlab: await find(commands.python) };
}

/** Prints how many of the flipped labels a side finds: among as many as there are, and among its label issues. */
function detected(
	name: string,
	side: string,
	{ ranking, issues }: Found,
	files: LabelledFile[],
	flipped: LabelledFile[],
): Row {
	const isWrong = (i: number) => files[i].label !== flipped[i].label;
	const flips = files.filter((_, i) => isWrong(i)).length;
	const [first, hits] = [ranking.slice(0, flips), issues].map((list) => list.filter(isWrong).length);
	const row = {
		...{ name, side, flips, atFlips: first / flips, issues: issues.length },
		...{ precision: hits / issues.length, recall: hits / flips },
	};
	console.log(
		`${side.padEnd(9)} of the ${flips} first ${first} are flipped (precision and recall ${row.atFlips.toFixed(3)}); ` +
			`${issues.length} label issues: precision ${row.precision.toFixed(3)}, recall ${row.recall.toFixed(3)}`,
	);
	return row;
}

type Files = Record<"files" | "flipped" | "test", LabelledFile[]>;

/** Trains after a person has looked at as many images as are flipped: the first of the ranking, some at random, or none. */
async function benchWorth(name: string, { files, flipped, test }: Files, ranking: number[], fit: Fit, rounds: number) {
	const flips = files.filter(({ label }, i) => label !== flipped[i].label).length;
	const corrected = (looked: number[]) => {
		const seen = new Set(looked);
		return flipped.map((file, i) => (seen.has(i) ? files[i] : file));
	};
	const variants = {
		"none corrected": flipped,
		[`top ${flips} corrected`]: corrected(ranking.slice(0, flips)),
		[`${flips} at random corrected`]: corrected(shuffled([...files.keys()], `${SEED}/random`).slice(0, flips)),
		"all corrected": files,
	};
	const yTrue = test.map(({ label }) => label);
	const base: number[] = [];
	const worth = await worthOf(variants, {
		seeds: Array.from({ length: rounds }, (_, seed) => seed),
		async trainAndScore(data, seed) {
			const rows = await fit(data, test, seed);
			const score = accuracyScore(
				yTrue,
				rows.map((row) => row.indexOf(Math.max(...row))),
			);
			if (data === flipped) base.push(score);
			return score;
		},
	});
	const none = meanConfint(base);
	console.log(`none corrected: test accuracy ${percents(none)} (${rounds} seeds)`);
	for (const { sentence } of worth) console.log(sentence);
	return [
		{ name, variant: "none corrected", accuracy: none.value, low: none.low, high: none.high },
		...worth.map(({ name: variant, difference }) => ({ name, variant, ...difference })),
	];
}

const percents = ({ value, low, high }: { value: number; low: number; high: number }) =>
	`${(100 * value).toFixed(1)} % (95 %: ${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`;

/** Writes 10,000 labels, probabilities of ten classes and features, and returns the steps on them. */
function synthetic(): string[] {
	const [images, classes, length] = [10_000, 10, 1280];
	const random = seedrandom(`${SEED}`);
	const labels = Int32Array.from({ length: images }, () => Math.floor(random() * classes));
	const rows = Array.from(labels, (label) => {
		const values = Array.from({ length: classes }, (_, k) => random() + (k === label && random() < 0.9 ? 3 : 0));
		const total = values.reduce((sum, value) => sum + value, 0);
		return values.map((value) => value / total);
	});
	const folder = join(work, "10,000 images");
	const features = Float32Array.from({ length: images * length }, () => random());
	writeNumbers(folder, { labels, probabilities: Float64Array.from(rows.flat()), features });
	return ["label issues", "outliers"].map((step) => `${step} of ${folder}`);
}

main(process.argv.slice(2)).catch((error) => {
	console.error(error);
	process.exitCode = 1;
});
