// Which differences of runs are more than luck: that of the test images, and that of the seeds.
import { type Interval, meanConfint, meanDifferenceConfint, proportionDifferenceConfint } from "../../src/metrics";
import { points } from "../../src/support/format";
import { groupBy } from "../../src/support/iteration";
import { mean, sum } from "../../src/support/statistics";
import { originRows } from "./origin";
import type { NamedRun } from "./run-record";

/** A run with its letter in a comparison. */
export interface LabelledRun {
	label: string;
	run: NamedRun;
}

/** Evaluated runs that differ in nothing but the seed. */
export interface Configuration {
	/** The letters of its runs, for example `"A, C–F"`. */
	label: string;
	runs: LabelledRun[];
	/** Test accuracy of each seed. */
	accuracies: number[];
	/** Test loss of each seed, `NaN` where it was not recorded. */
	losses: number[];
	/** Mean of the accuracies. */
	accuracy: number;
	/** Test images of a run. */
	images: number;
}

/** The best configuration next to another. Differences are of the best minus the other; their intervals have one level. */
export interface Comparison {
	best: Configuration;
	other: Configuration;
	/** Of the test accuracies. */
	difference: number;
	/** Newcombe's interval of the difference, for other test images and the same networks. */
	byImages: Interval;
	/** Welch's interval, for other seeds and the same test images; null where one of the two has a single seed. */
	bySeeds: Interval | null;
	/** For other test images and other seeds; null where `bySeeds` is. */
	byBoth: Interval | null;
	/** Welch's interval of the difference of the test losses; null where one has a single seed, or no loss. */
	loss: Interval | null;
	/** Whether both were tested on the same images; null when the records do not say. */
	sameImages: boolean | null;
	verdict: string;
}

/** What `luckOf` finds. */
export interface Luck {
	configurations: Configuration[];
	/** Each configuration but the best next to the best one. */
	comparisons: Comparison[];
	/** Runs that take no part since they have no evaluation. */
	notRun: LabelledRun[];
	/** Pairs of configurations, any of which could have been compared: each interval has the level 1 − 0.05 / pairs. */
	pairs: number;
	/** Configurations that differ in the seed and in the images only, as when `--dataset` splits a folder by the seed. */
	splitBySeed: Configuration[][];
}

type Settings = Record<string, string | number | boolean | undefined>;

/** Returns what a run was run with: data set, parameters, versions, device, code, images. */
export const settingsOf = ({ dataset, classNames, parameters, versions, device, origin }: NamedRun): Settings => ({
	dataset,
	classes: classNames?.join(", "),
	...parameters,
	...versions,
	device,
	...Object.fromEntries(origin ? originRows(origin) : []),
});

/** Names runs as a spreadsheet names columns: A to Z, AA, AB. */
export const labelled = (runs: NamedRun[]): LabelledRun[] => runs.map((run, i) => ({ label: labelOf(i), run }));

const labelOf = (index: number): string =>
	(index < 26 ? "" : labelOf(Math.floor(index / 26) - 1)) + String.fromCharCode(65 + (index % 26));

/** Groups the runs by what they were run with, and compares each group with the best one. */
export function luckOf(runs: LabelledRun[]): Luck {
	const evaluated = runs.filter(({ run }) => isEvaluated(run));
	const order = runs.map(({ label }) => label);
	const configurations = groupBy(evaluated, ({ run }) => keyOf(run)).map((group) => configurationOf(group, order));
	const pairs = Math.max(1, (configurations.length * (configurations.length - 1)) / 2);
	const best = configurations.reduce((a, b) => (b.accuracy > a.accuracy ? b : a), configurations[0]);
	// Which one is the best is known from the same figures: it could have been any, and so could the pair.
	const alpha = 0.05 / pairs;
	const others = configurations.filter((one) => one !== best);
	return {
		configurations,
		comparisons: others.map((other) => compare(best, other, alpha)),
		notRun: runs.filter(({ run }) => !isEvaluated(run)),
		pairs,
		splitBySeed: groupBy(configurations, ({ runs: [{ run }] }) => keyOf(run, /^Images, /)).filter(
			(group) => new Set(group.flatMap((one) => one.runs.map(seedOf))).size > 1 && group.length > 1,
		),
	};
}

function isEvaluated({ test, confusionMatrix }: NamedRun): boolean {
	const accuracy = test?.accuracy ?? Number.NaN;
	return accuracy >= 0 && accuracy <= 1 && sum(confusionMatrix?.flat() ?? []) > 0;
}

const seedOf = ({ run }: LabelledRun) => String(run.parameters.seed);

/** What all runs of a configuration have in common, as text. */
function keyOf(run: NamedRun, ignored?: RegExp): string {
	const rows = Object.entries(settingsOf(run)).filter(([name]) => name !== "seed" && !ignored?.test(name));
	return JSON.stringify(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function configurationOf(runs: LabelledRun[], order: string[]): Configuration {
	// A seed that was run twice is no second sample of the luck of seeds.
	const seeds = groupBy(runs, seedOf);
	const ofSeeds = (read: (run: NamedRun) => number) => seeds.map((group) => mean(group.map(({ run }) => read(run))));
	const accuracies = ofSeeds(({ test }) => test?.accuracy ?? Number.NaN);
	return {
		label: joinLabels(runs, order),
		runs,
		accuracies,
		losses: ofSeeds(({ test }) => test?.loss ?? Number.NaN),
		accuracy: mean(accuracies),
		images: Math.min(...runs.map(({ run }) => sum(run.confusionMatrix?.flat() ?? []))),
	};
}

/** Joins letters, three or more that follow one another as a range: `"A, C–F"`. */
function joinLabels(runs: LabelledRun[], order: string[]): string {
	const places = runs.map(({ label }, i) => ({ label, offset: order.indexOf(label) - i }));
	const ranges = groupBy(places, ({ offset }) => offset).map((range) => range.map(({ label }) => label));
	return ranges.map((range) => (range.length > 2 ? `${range[0]}–${range.at(-1)}` : range.join(", "))).join(", ");
}

function compare(best: Configuration, other: Configuration, alpha: number): Comparison {
	const [hits, otherHits] = [best, other].map(({ accuracy, images }) => Math.round(accuracy * images));
	const byImages = proportionDifferenceConfint(hits, best.images, otherHits, other.images, { alpha });
	const bySeeds = welch(best.accuracies, other.accuracies, alpha);
	const found = { best, other, byImages, bySeeds, byBoth: bySeeds && squareAndAdd(byImages, bySeeds) };
	return {
		...found,
		difference: best.accuracy - other.accuracy,
		loss: welch(best.losses, other.losses, alpha),
		sameImages: haveSameImages(best.runs[0].run, other.runs[0].run),
		verdict: verdictOf(found),
	};
}

/** Welch's interval, or null where there is none. */
function welch(best: number[], other: number[], alpha: number): Interval | null {
	const interval = meanDifferenceConfint(best, other, { alpha });
	return Number.isNaN(interval.low) ? null : interval;
}

/** The interval of a difference with two independent sources of luck, as Newcombe's adds those of two proportions. */
function squareAndAdd(a: Interval, b: Interval): Interval {
	return {
		value: b.value,
		low: b.value - Math.hypot(a.value - a.low, b.value - b.low),
		high: b.value + Math.hypot(a.high - a.value, b.high - b.value),
	};
}

/** Returns whether an interval of a difference leaves 0 out. */
export const isMoreThanLuck = ({ low, high }: Interval): boolean => low > 0 || high < 0;

type Intervals = Pick<Comparison, "best" | "other" | "byImages" | "bySeeds" | "byBoth">;

function verdictOf({ best, other, byImages, bySeeds, byBoth }: Intervals): string {
	if (!isMoreThanLuck(byImages)) return "within the luck of the test images";
	if (!bySeeds || !byBoth) {
		const single = [best, other].filter(({ accuracies }) => accuracies.length === 1);
		const known = [best, other].flatMap(({ runs }) => runs.map(({ run }) => Number(run.parameters.seed)));
		const seed = Math.max(42, ...known.filter(Number.isInteger)) + 1;
		const labels = single.map(({ runs }) => runs[0].label).join(" and ");
		return `more than the luck of the test images; the luck of seeds is unknown: run ${labels} again with other seeds (npm start -- --seed ${seed} …)`;
	}
	if (!isMoreThanLuck(bySeeds)) return "within the luck of seeds";
	if (!isMoreThanLuck(byBoth)) return "more than the luck of either, within that of test images and seeds together";
	return "more than the luck of test images and seeds";
}

/** Returns whether two runs were tested on the same images: by their contents, or else by how many there are of each class. */
function haveSameImages(a: NamedRun, b: NamedRun): boolean | null {
	const [ofA, ofB] = [a, b].map(({ origin }) =>
		(origin?.data ?? []).filter(({ split }) => split === "test").map((row) => `${row.class}\n${row.sha256}`),
	);
	if (ofA.length > 0 && ofB.length > 0) return ofA.sort().join("\n") === ofB.sort().join("\n");
	const [sizesA, sizesB] = [a, b].map(({ confusionMatrix }) => (confusionMatrix ?? []).map(sum).join());
	return sizesA === sizesB ? null : false;
}

/**
 * Says what `luckOf` found, a line for each comparison.
 *
 * @param nameOf what a configuration is called. Default: the letters of its runs
 */
export function luckLines(
	{ configurations, comparisons, notRun }: Luck,
	nameOf: (configuration: Configuration) => string = ({ label }) => label,
): string[] {
	if (configurations.length === 0) return ["No run has an evaluation to compare: npm start makes whole runs"];
	const left = notRun.map(({ label }) => label).join(", ");
	return [
		...(comparisons.length === 0 ? [onlyOne(configurations[0], nameOf)] : []),
		...comparisons.map(({ best, other, difference, verdict, loss }) => {
			const ofLoss = loss ? `; test loss ${signed(loss.value)}, ${lossVerdict(loss)}` : "";
			return `${nameOf(best)} − ${nameOf(other)}: test accuracy ${points(difference)}, ${verdict}${ofLoss}`;
		}),
		...(left ? [`${left}: not run, and not compared`] : []),
	];
}

/** Names a configuration by its letters and its first folder, for readers without the page. */
export const fullName = ({ label, runs }: Configuration): string =>
	`${label} (${runs[0].run.name}${runs.length > 1 ? ` and ${runs.length - 1} more` : ""})`;

/** Says whether a difference of losses is more than the luck of seeds. */
export const lossVerdict = (loss: Interval): string =>
	isMoreThanLuck(loss) ? "more than the luck of seeds" : "within the luck of seeds";

function onlyOne(configuration: Configuration, nameOf: (configuration: Configuration) => string): string {
	const { runs, accuracies } = configuration;
	const name = nameOf(configuration);
	if (runs.length === 1) return `${name} is the only run with an evaluation: npm start makes whole runs`;
	if (accuracies.length === 1)
		return `${name} differ in nothing that is recorded, the seed included: there is nothing to compare`;
	return `${name} differ in nothing but the seed, and by its luck: test accuracy ${shareInterval(accuracies)} over ${accuracies.length} seeds`;
}

/** The mean of shares with its 95 % interval: `"91.5 % (95 %: 90.0 to 93.0 %)"`; of a single one, its interval is unknown. */
export function shareInterval(shares: number[]): string {
	const { value, low, high } = meanConfint(shares);
	// Student's interval knows nothing of 0 and 100 %.
	const [share, from, to] = [value, low, high].map((bound) => (100 * Math.min(1, Math.max(0, bound))).toFixed(1));
	return `${share} % (${shares.length > 1 ? `95 %: ${from} to ${to} %` : "one seed"})`;
}

/** A number with its sign: `"+0.0123"`, `"−0.0123"`. */
export function signed(value: number, digits = 4): string {
	const text = value.toFixed(digits);
	return Number(text) > 0 ? `+${text}` : text.replace("-", Number(text) === 0 ? "" : "−");
}
