// scikit-learn's precision, recall, F1 and classification report.
import { mean, sum } from "../support/statistics";
import { accuracyScore } from "./confusion";
import { labelsOf, requireSameLength } from "./inputs";

/** One row of the report: the scores of a class, or an average over the classes. */
export interface ReportRow {
	/** Of what was called this class, the share that is. 0–1. */
	precision: number;
	/** Of what is this class, the share that was found. 0–1. */
	recall: number;
	/** The harmonic mean of precision and recall. 0–1. */
	f1: number;
	/** How many samples of the class there are. */
	support: number;
}

export interface ReportOptions {
	/** The classes' names, in the order of their labels. Default: the labels themselves. */
	targetNames?: string[];
	/** The labels to report, in that order. Default: those that occur, sorted. */
	labels?: number[];
	/** Digits after the point in the text. Default 2. */
	digits?: number;
	/** What a score is when its denominator is zero; a `NaN` is left out of averages. Default 0. */
	zeroDivision?: number;
}

/**
 * The text report of precision, recall and F1 per class: `sklearn.metrics.classification_report`, to the character.
 *
 * @param yTrue the true label of each sample, whole numbers
 * @param yPred the predicted label of each sample
 * @throws when the two differ in length, or `targetNames` and labels do
 */
export function classificationReport(
	yTrue: ArrayLike<number>,
	yPred: ArrayLike<number>,
	options: ReportOptions = {},
): string {
	const { digits = 2 } = options;
	const { names, rows, averages } = scoreClasses(yTrue, yPred, options);
	const width = Math.max(...names.map((name) => name.length), "weighted avg".length, digits);
	const line = (name: string, cells: string[]) =>
		`${name.padStart(width)} ${cells.map((cell) => ` ${cell.padStart(9)}`).join("")}\n`;
	const score = (row: ReportRow) => [row.precision, row.recall, row.f1].map((value) => toFixedEven(value, digits));

	// Where not one prediction is right, scikit-learn counts in floats and prints 4.0.
	const count = accuracyScore(yTrue, yPred) === 0 ? (support: number) => support.toFixed(1) : String;
	let report = `${line("", ["precision", "recall", "f1-score", "support"])}\n`;
	rows.forEach((row, i) => {
		report += line(names[i], [...score(row), count(row.support)]);
	});
	report += "\n";
	for (const [name, row] of Object.entries(averages)) {
		const cells = name === "accuracy" ? ["", "", score(row)[2]] : score(row);
		report += line(name, [...cells, count(row.support)]);
	}
	return report;
}

/**
 * The same report as rows, for a table or a file: `classification_report(…, output_dict=True)`.
 *
 * @returns the rows by class name, then `accuracy` (its value in all three scores) or `micro avg`, `macro avg`
 *   and `weighted avg`
 */
export function classificationReportRows(
	yTrue: ArrayLike<number>,
	yPred: ArrayLike<number>,
	options: ReportOptions = {},
): Record<string, ReportRow> {
	const { names, rows, averages } = scoreClasses(yTrue, yPred, options);
	return { ...Object.fromEntries(rows.map((row, i) => [names[i], row])), ...averages };
}

/** Scores of classes, or their average; in arrays, one element for each label. */
export interface Scores<T> {
	precision: T;
	recall: T;
	fscore: T;
	/** How many samples of the class there are; `null` with an average. */
	support: T | null;
}

export interface ScoreOptions {
	/** How much more recall counts than precision; `Infinity`: only recall. Default 1. */
	beta?: number;
	/** The labels to score, in that order. Default: those that occur, sorted. */
	labels?: number[];
	/**
	 * `"binary"`: only `posLabel`; `"micro"`: all decisions together; `"macro"`: the mean of the classes; `"weighted"`:
	 * weighted by their support. Default `null`: the scores of each class.
	 */
	average?: "binary" | "micro" | "macro" | "weighted" | null;
	/** The class that `"binary"` is about. Default 1. */
	posLabel?: number;
	/** What a score is when its denominator is zero; a `NaN` is left out of averages. Default 0. */
	zeroDivision?: number;
}

/**
 * Precision, recall and F-score: `sklearn.metrics.precision_recall_fscore_support`.
 *
 * @throws when the lists differ in length, or the labels do not fit the average
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
	const rows = (average === "micro" ? [pooled(counts)] : counts).map((count) => toRow(count, zeroDivision, beta));
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
	const rows = counts.map((count) => toRow(count, zeroDivision));
	const total = sum(rows.map(({ support }) => support));
	const average = (weights: number[]): ReportRow => ({
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
	// Over all classes the three micro averages are one number, the accuracy.
	const micro = present.every((label) => labels.includes(label)) ? "accuracy" : "micro avg";
	const averages = {
		[micro]: toRow(pooled(counts), zeroDivision),
		"macro avg": average(rows.map(() => 1)),
		"weighted avg": total === 0 ? toRow(pooled(counts), zeroDivision) : average(rows.map(({ support }) => support)),
	};
	return { names, rows, averages };
}

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

/** The counts of all classes together. */
function pooled(counts: ClassCount[]): ClassCount {
	return {
		hits: sum(counts.map(({ hits }) => hits)),
		predicted: sum(counts.map(({ predicted }) => predicted)),
		actual: sum(counts.map(({ actual }) => actual)),
	};
}

function toRow({ hits, predicted, actual }: ClassCount, zeroDivision: number, beta = 1): ReportRow {
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
	const some = present.join(", ");
	if (present.length > 2) throw new Error(`average "binary" is for two classes, but there are ${some}: choose another`);
	if (!present.includes(posLabel)) throw new Error(`posLabel ${posLabel} is not among the labels ${some}`);
}

/** Without those that are not defined; weights that are all 0 count as 1. */
function weightedMean(values: number[], weights: number[]): number {
	const defined = values.flatMap((value, i) => (Number.isNaN(value) ? [] : [{ value, weight: weights[i] }]));
	const some = defined.map(({ value }) => value);
	const theirs = defined.map(({ weight }) => weight);
	return sum(theirs) === 0 ? mean(some) : mean(some, theirs);
}

/** Rounds an exact tie to the even digit, as Python does: 0.125 is "0.12" where `toFixed` gives "0.13". */
function toFixedEven(value: number, digits: number): string {
	// A binary number can lie exactly between two decimals only if it is a multiple of 1 / 2^(digits + 1).
	const scaled = value * 10 ** digits;
	const floor = Math.floor(scaled);
	const tie = Number.isInteger(value * 2 ** (digits + 1)) && scaled - floor === 0.5;
	return (tie && floor % 2 === 0 ? floor / 10 ** digits : value).toFixed(digits);
}
