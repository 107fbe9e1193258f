// How good predictions are, in scikit-learn's words and numbers.

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
	/** What a score is when its denominator is zero. Default 0. */
	zeroDivision?: 0 | 1;
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

/**
 * Counts how often each class was taken for each: `sklearn.metrics.confusion_matrix`.
 *
 * @param labels the labels to count, in that order. Default: those that occur, sorted
 * @returns `matrix[i][j]`: how many samples of class i were predicted as class j
 */
export function confusionMatrix(
	yTrue: ArrayLike<number>,
	yPred: ArrayLike<number>,
	{ labels = labelsOf(yTrue, yPred) }: { labels?: number[] } = {},
): number[][] {
	checkLengths(yTrue, yPred);
	const index = new Map(labels.map((label, i) => [label, i]));
	const matrix = labels.map(() => labels.map(() => 0));
	for (let k = 0; k < yTrue.length; k++) {
		const [i, j] = [index.get(yTrue[k]), index.get(yPred[k])];
		if (i !== undefined && j !== undefined) matrix[i][j]++;
	}
	return matrix;
}

/** The share of samples whose predicted label is the true one, 0–1: `sklearn.metrics.accuracy_score`. */
export function accuracyScore(yTrue: ArrayLike<number>, yPred: ArrayLike<number>): number {
	checkLengths(yTrue, yPred);
	return sum(Array.from(yTrue, (label, k) => Number(label === yPred[k]))) / yTrue.length;
}

function scoreClasses(yTrue: ArrayLike<number>, yPred: ArrayLike<number>, options: ReportOptions) {
	checkLengths(yTrue, yPred);
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
	const pooled = {
		hits: sum(counts.map(({ hits }) => hits)),
		predicted: sum(counts.map(({ predicted }) => predicted)),
		actual: total,
	};
	// Over all classes the three micro averages are one number, the accuracy.
	const micro = present.every((label) => labels.includes(label)) ? "accuracy" : "micro avg";
	const averages = {
		[micro]: toRow(pooled, zeroDivision),
		"macro avg": average(rows.map(() => 1)),
		"weighted avg": total === 0 ? toRow(pooled, zeroDivision) : average(rows.map(({ support }) => support)),
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

function toRow({ hits, predicted, actual }: ClassCount, zeroDivision: number): ReportRow {
	const ratio = (numerator: number, denominator: number) =>
		denominator === 0 ? zeroDivision : numerator / denominator;
	return {
		precision: ratio(hits, predicted),
		recall: ratio(hits, actual),
		f1: ratio(2 * hits, predicted + actual),
		support: actual,
	};
}

function checkLengths(yTrue: ArrayLike<number>, yPred: ArrayLike<number>): void {
	if (yTrue.length === yPred.length && yTrue.length > 0) return;
	throw new Error(`yTrue has ${yTrue.length} labels and yPred ${yPred.length}: expected one of each per sample`);
}

function labelsOf(yTrue: ArrayLike<number>, yPred: ArrayLike<number>): number[] {
	return [...new Set([...Array.from(yTrue), ...Array.from(yPred)])].sort((a, b) => a - b);
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
const weightedMean = (values: number[], weights: number[]) =>
	sum(values.map((value, i) => value * weights[i])) / sum(weights);

/** Rounds an exact tie to the even digit, as Python does: 0.125 is "0.12" where `toFixed` gives "0.13". */
function toFixedEven(value: number, digits: number): string {
	// A binary number can lie exactly between two decimals only if it is a multiple of 1 / 2^(digits + 1).
	const scaled = value * 10 ** digits;
	const floor = Math.floor(scaled);
	const tie = Number.isInteger(value * 2 ** (digits + 1)) && scaled - floor === 0.5;
	return (tie && floor % 2 === 0 ? floor / 10 ** digits : value).toFixed(digits);
}
