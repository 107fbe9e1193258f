// Confusion matrix, accuracy, Matthews correlation, Cohen's kappa.
import { sum } from "../support/statistics";
import { labelsOf, requireSameLength } from "./inputs";

export interface ConfusionMatrixOptions {
	/** The labels to count, in that order. Default: those that occur, sorted. */
	labels?: number[];
	/** Shares in place of counts: of each true class, of each predicted class, or of all. Default: counts. */
	normalize?: "true" | "pred" | "all";
}

/**
 * Counts how often each class was taken for each: `sklearn.metrics.confusion_matrix`.
 *
 * @returns `matrix[i][j]`: how many samples of class i were predicted as class j
 * @throws when the lists differ in length, or none of the labels occurs in `yTrue`
 */
export function confusionMatrix(
	yTrue: ArrayLike<number>,
	yPred: ArrayLike<number>,
	{ labels = labelsOf(yTrue, yPred), normalize }: ConfusionMatrixOptions = {},
): number[][] {
	requireSameLength(yTrue, yPred, "yPred");
	const index = new Map(labels.map((label, i) => [label, i]));
	if (!Array.from(yTrue).some((label) => index.has(label))) {
		throw new Error(`none of the labels ${labels.join(", ")} is in yTrue, which has ${labelsOf(yTrue).join(", ")}`);
	}
	const matrix = labels.map(() => labels.map(() => 0));
	for (let k = 0; k < yTrue.length; k++) {
		const [i, j] = [index.get(yTrue[k]), index.get(yPred[k])];
		if (i !== undefined && j !== undefined) matrix[i][j]++;
	}
	if (!normalize) return matrix;
	const rows = matrix.map(sum);
	const columns = labels.map((_, j) => sum(matrix.map((row) => row[j])));
	const total = { true: (i: number) => rows[i], pred: (_: number, j: number) => columns[j], all: () => sum(rows) };
	return matrix.map((row, i) => row.map((count, j) => (count === 0 ? 0 : count / total[normalize](i, j))));
}

/** The share of samples whose predicted label is the true one, 0–1: `sklearn.metrics.accuracy_score`. */
export function accuracyScore(yTrue: ArrayLike<number>, yPred: ArrayLike<number>): number {
	requireSameLength(yTrue, yPred, "yPred");
	return sum(Array.from(yTrue, (label, k) => Number(label === yPred[k]))) / yTrue.length;
}

/**
 * How much better predictions are than chance, −1 to 1: `sklearn.metrics.matthews_corrcoef`, for two classes or more. 0 if
 * all samples are of one class, or are predicted as one.
 */
export function matthewsCorrcoef(yTrue: ArrayLike<number>, yPred: ArrayLike<number>): number {
	const matrix = confusionMatrix(yTrue, yPred);
	const actual = matrix.map(sum);
	const predicted = matrix.map((_, j) => sum(matrix.map((row) => row[j])));
	const total = yTrue.length;
	const product = (a: number[], b: number[]) => sum(a.map((value, i) => value * b[i]));
	const hits = sum(matrix.map((row, i) => row[i]));
	const covariance = hits * total - product(actual, predicted);
	const [ofTrue, ofPredicted] = [actual, predicted].map((counts) => total ** 2 - product(counts, counts));
	return ofTrue * ofPredicted === 0 ? 0 : covariance / Math.sqrt(ofTrue * ofPredicted);
}

/**
 * How far two raters agree beyond chance, up to 1: `sklearn.metrics.cohen_kappa_score`.
 *
 * @param options `weights`: how much worse classes are that lie further apart. Default: all are as bad. `NaN` if both
 *   give all samples the same label
 */
export function cohenKappaScore(
	y1: ArrayLike<number>,
	y2: ArrayLike<number>,
	{ labels, weights }: { labels?: number[]; weights?: "linear" | "quadratic" } = {},
): number {
	const matrix = confusionMatrix(y1, y2, { labels });
	const [first, second] = [matrix.map(sum), matrix.map((_, j) => sum(matrix.map((row) => row[j])))];
	const badness = (i: number, j: number) =>
		weights === "linear" ? Math.abs(i - j) : weights === "quadratic" ? (i - j) ** 2 : Number(i !== j);
	const observed = sum(matrix.map((row, i) => sum(row.map((count, j) => count * badness(i, j)))));
	const byChance = sum(first.map((a, i) => sum(second.map((b, j) => a * b * badness(i, j)))));
	return 1 - observed / (byChance / sum(first));
}
