// scikit-learn's precision, recall, F1 and classification report.
import { mean, sum } from "../support/statistics";
import { printable } from "../support/text";
import { accuracyScore } from "./confusion";
import { labelsOf, requireSameLength } from "./inputs";

/** One row of the classification report: the scores of a class, or an average over the classes. */
export interface ReportRow {
	/** Name of the class or of the average. */
	class: string;
	/** Fraction of the predictions of this class that are right, 0–1. */
	precision: number;
	/** Fraction of the samples of this class that are predicted as such, 0–1. */
	recall: number;
	/** Harmonic mean of precision and recall, 0–1. */
	f1: number;
	/** Number of samples of this class. */
	support: number;
}

export interface ReportOptions {
	/** Names of the classes, in the order of `labels`. Default: the labels. */
	targetNames?: string[];
	/** Labels to report, in this order. Default: the labels that occur, sorted. */
	labels?: number[];
	/** Decimal places in the text. Default 2. */
	digits?: number;
	/** Value of a score whose denominator is zero; averages ignore `NaN`. Default 0. */
	zeroDivision?: number;
}

/**
 * Formats precision, recall and F1 per class as text, identical to `sklearn.metrics.classification_report`.
 *
 * @param yTrue true label of each sample, integers
 * @param yPred predicted label of each sample, integers
 * @throws when `yTrue` and `yPred` differ in length, or `targetNames` and the labels do
 */
export function classificationReport(
	yTrue: ArrayLike<number>,
	yPred: ArrayLike<number>,
	options: ReportOptions = {},
): string {
	const { digits = 2 } = options;
	const { rows: scored, averages } = scoreClasses(yTrue, yPred, options);
	const rows = scored.map((row) => ({ ...row, class: printable(row.class) }));
	// Characters as Python counts them: one beyond the basic plane, such as an emoji, has the length 2 here.
	const lengthOf = (name: string) => [...name].length;
	const width = Math.max(...rows.map((row) => lengthOf(row.class)), "weighted avg".length, digits);
	const line = (name: string, cells: string[]) =>
		`${" ".repeat(width - lengthOf(name))}${name} ${cells.map((cell) => ` ${cell.padStart(9)}`).join("")}\n`;
	const score = (row: ReportRow) => [row.precision, row.recall, row.f1].map((value) => toFixedEven(value, digits));

	// At an accuracy of 0 scikit-learn's support is a float, and prints as 4.0.
	const count = accuracyScore(yTrue, yPred) === 0 ? (support: number) => support.toFixed(1) : String;
	let report = `${line("", ["precision", "recall", "f1-score", "support"])}\n`;
	for (const row of rows) report += line(row.class, [...score(row), count(row.support)]);
	report += "\n";
	for (const row of averages) {
		const cells = row.class === "accuracy" ? ["", "", score(row)[2]] : score(row);
		report += line(row.class, [...cells, count(row.support)]);
	}
	return report;
}

/**
 * Returns the classification report as rows: `sklearn.metrics.classification_report(…, output_dict=True)`. They are a
 * list, since the keys of an object lose their order where class names look like integers, and an average would replace a
 * class of its name.
 *
 * @returns a row for each label in the order of `labels`, then `accuracy` (in all three scores) or `micro avg`, then
 *   `macro avg` and `weighted avg`
 * @throws as `classificationReport` does
 */
export function classificationReportRows(
	yTrue: ArrayLike<number>,
	yPred: ArrayLike<number>,
	options: ReportOptions = {},
): ReportRow[] {
	const { rows, averages } = scoreClasses(yTrue, yPred, options);
	return [...rows, ...averages];
}

/** Precision, recall and F-score: one element per label, or numbers for an average. */
export interface Scores<T> {
	precision: T;
	recall: T;
	fscore: T;
	/** Number of samples per label; `null` for an average. */
	support: T | null;
}

export interface ScoreOptions {
	/** Weight of recall relative to precision; `Infinity` scores recall only. Default 1. */
	beta?: number;
	/** Labels to score, in this order. Default: the labels that occur, sorted. */
	labels?: number[];
	/**
	 * Averaging: `"binary"` scores only `posLabel`, `"micro"` pools the counts of all classes, `"macro"` is the mean over
	 * the classes, `"weighted"` the mean weighted by support. Default `null`: the scores of each class.
	 */
	average?: "binary" | "micro" | "macro" | "weighted" | null;
	/** Label of the positive class for `"binary"`. Default 1. */
	posLabel?: number;
	/** Value of a score whose denominator is zero; averages ignore `NaN`. Default 0. */
	zeroDivision?: number;
}

/**
 * Computes precision, recall, F-score and support: `sklearn.metrics.precision_recall_fscore_support`.
 *
 * @param yTrue true label of each sample, integers
 * @param yPred predicted label of each sample, integers
 * @throws when the lengths differ, or with `average: "binary"` when there are more than two labels or no `posLabel`
 */
export function precisionRecallFscoreSupport(
	yTrue: ArrayLike<number>,
	yPred: ArrayLike<number>,
	options: ScoreOptions & { average: "binary" | "micro" | "macro" | "weighted" },
): Scores<number>;
export function precisionRecallFscoreSupport(
	yTrue: ArrayLike<number>,
	yPred: ArrayLike<number>,
	options?: ScoreOptions,
): Scores<number[]>;
export function precisionRecallFscoreSupport(
	yTrue: ArrayLike<number>,
	yPred: ArrayLike<number>,
	{ beta = 1, labels, average = null, posLabel = 1, zeroDivision = 0 }: ScoreOptions = {},
): Scores<number> | Scores<number[]> {
	requireSameLength(yTrue, yPred, "yPred");
	const present = labelsOf(yTrue, yPred);
	if (average === "binary") requireBinary(present, posLabel);
	const scored = average === "binary" ? [posLabel] : (labels ?? present);
	const counts = scored.map((label) => countClass(yTrue, yPred, label));
	const rows = (average === "micro" ? [pooled(counts)] : counts).map((count) => toScores(count, zeroDivision, beta));
	const support = rows.map((row) => row.support);
	const pick = (score: "precision" | "recall" | "f1") => rows.map((row) => row[score]);
	if (average === null) {
		return { precision: pick("precision"), recall: pick("recall"), fscore: pick("f1"), support };
	}
	const weights = average === "weighted" ? support : support.map(() => 1);
	const averaged = (score: "precision" | "recall" | "f1") => weightedMean(pick(score), weights);
	return { precision: averaged("precision"), recall: averaged("recall"), fscore: averaged("f1"), support: null };
}

function scoreClasses(yTrue: ArrayLike<number>, yPred: ArrayLike<number>, options: ReportOptions) {
	requireSameLength(yTrue, yPred, "yPred");
	const present = labelsOf(yTrue, yPred);
	const { labels = present, zeroDivision = 0 } = options;
	const names = options.targetNames ?? labels.map(String);
	if (names.length !== labels.length) {
		throw new Error(`${names.length} targetNames for ${labels.length} labels (${labels.join(", ")}): pass labels too`);
	}
	const counts = labels.map((label) => countClass(yTrue, yPred, label));
	const rows = counts.map((count, i) => ({ class: names[i], ...toScores(count, zeroDivision) }));
	const total = sum(rows.map(({ support }) => support));
	const average = (weights: number[]): ClassScores => ({
		precision: weightedMean(
			rows.map(({ precision }) => precision),
			weights,
		),
		recall: weightedMean(
			rows.map(({ recall }) => recall),
			weights,
		),
		f1: weightedMean(
			rows.map(({ f1 }) => f1),
			weights,
		),
		support: total,
	});
	// Over all classes micro precision, recall and F1 all equal the accuracy.
	const micro = present.every((label) => labels.includes(label)) ? "accuracy" : "micro avg";
	const all = toScores(pooled(counts), zeroDivision);
	const averages: ReportRow[] = [
		{ class: micro, ...all },
		{ class: "macro avg", ...average(rows.map(() => 1)) },
		{ class: "weighted avg", ...(total === 0 ? all : average(rows.map(({ support }) => support))) },
	];
	return { rows, averages };
}

type ClassScores = Omit<ReportRow, "class">;
type ClassCount = { hits: number; predicted: number; actual: number };

function countClass(yTrue: ArrayLike<number>, yPred: ArrayLike<number>, label: number): ClassCount {
	const count = { hits: 0, predicted: 0, actual: 0 };
	for (let k = 0; k < yTrue.length; k++) {
		if (yPred[k] === label) count.predicted++;
		if (yTrue[k] === label) count.actual++;
		if (yTrue[k] === label && yPred[k] === label) count.hits++;
	}
	return count;
}

/** Sums the counts of all classes. */
function pooled(counts: ClassCount[]): ClassCount {
	return {
		hits: sum(counts.map(({ hits }) => hits)),
		predicted: sum(counts.map(({ predicted }) => predicted)),
		actual: sum(counts.map(({ actual }) => actual)),
	};
}

function toScores({ hits, predicted, actual }: ClassCount, zeroDivision: number, beta = 1): ClassScores {
	const ratio = (numerator: number, denominator: number) =>
		denominator === 0 ? zeroDivision : numerator / denominator;
	const recall = ratio(hits, actual);
	const fscore = ratio((1 + beta ** 2) * hits, beta ** 2 * actual + predicted);
	return {
		precision: ratio(hits, predicted),
		recall,
		f1: beta === Number.POSITIVE_INFINITY ? recall : fscore,
		support: actual,
	};
}

function requireBinary(present: number[], posLabel: number): void {
	const labels = present.join(", ");
	if (present.length > 2) {
		throw new Error(
			`average "binary" is for two classes, but there are ${labels}: choose "micro", "macro" or "weighted"`,
		);
	}
	if (!present.includes(posLabel)) throw new Error(`posLabel ${posLabel} is not among the labels ${labels}`);
}

/** Averages values, ignoring `NaN`; weights that are all 0 count as 1. */
function weightedMean(values: number[], weights: number[]): number {
	const defined = values.flatMap((value, i) => (Number.isNaN(value) ? [] : [{ value, weight: weights[i] }]));
	const definedValues = defined.map(({ value }) => value);
	const definedWeights = defined.map(({ weight }) => weight);
	return sum(definedWeights) === 0 ? mean(definedValues) : mean(definedValues, definedWeights);
}

/** Formats a number, rounding exact ties to even as Python does: 0.125 is "0.12" where `toFixed` gives "0.13". */
function toFixedEven(value: number, digits: number): string {
	// A float lies exactly between two decimals only if it is a multiple of 1 / 2^(digits + 1).
	const scaled = value * 10 ** digits;
	const floor = Math.floor(scaled);
	const tie = Number.isInteger(value * 2 ** (digits + 1)) && scaled - floor === 0.5;
	return (tie && floor % 2 === 0 ? floor / 10 ** digits : value).toFixed(digits);
}
