// Confusion matrix, accuracy, Matthews correlation, Cohen's kappa.
import { sum } from "../support/statistics";
import { labelsOf, requireSameLength } from "./inputs";

export interface ConfusionMatrixOptions {
	/** Labels of the rows and columns, in this order. Default: the labels that occur, sorted. */
	labels?: number[];
	/** Normalization by the samples of each true class, of each predicted class, or by all. Default: counts. */
	normalize?: "true" | "pred" | "all";
}

/**
 * Computes the confusion matrix: `sklearn.metrics.confusion_matrix`.
 *
 * @param yTrue true label of each sample
 * @param yPred predicted label of each sample
 * @returns `matrix[i][j]`: number of samples of class i that were predicted as class j, or their fraction, 0–1
 * @throws when the lengths differ, or none of the labels occurs in `yTrue`
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

/**
 * Computes the accuracy, the fraction of right predictions, 0–1: `sklearn.metrics.accuracy_score`.
 *
 * @throws when the lengths differ
 */
export function accuracyScore(yTrue: ArrayLike<number>, yPred: ArrayLike<number>): number {
	requireSameLength(yTrue, yPred, "yPred");
	return sum(Array.from(yTrue, (label, k) => Number(label === yPred[k]))) / yTrue.length;
}

/**
 * Computes the Matthews correlation coefficient of two or more classes, −1 to 1: `sklearn.metrics.matthews_corrcoef`.
 *
 * @returns 0 when all samples are of one class, or are predicted as one class
 * @throws when the lengths differ
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
 * Computes Cohen's kappa, the agreement of two raters beyond chance, up to 1: `sklearn.metrics.cohen_kappa_score`.
 *
 * @param options `labels`: labels to compare, default: the labels that occur; `weights`: growth of a disagreement's
 *   penalty with the distance of the classes, default: the same penalty for all
 * @returns `NaN` when both raters give all samples the same label
 * @throws when the lengths differ
 */
export function cohenKappaScore(
	y1: ArrayLike<number>,
	y2: ArrayLike<number>,
	{ labels, weights }: { labels?: number[]; weights?: "linear" | "quadratic" } = {},
): number {
	const matrix = confusionMatrix(y1, y2, { labels });
	const [first, second] = [matrix.map(sum), matrix.map((_, j) => sum(matrix.map((row) => row[j])))];
	const penalty = (i: number, j: number) =>
		weights === "linear" ? Math.abs(i - j) : weights === "quadratic" ? (i - j) ** 2 : Number(i !== j);
	const observed = sum(matrix.map((row, i) => sum(row.map((count, j) => count * penalty(i, j)))));
	const expected = sum(first.map((a, i) => sum(second.map((b, j) => a * b * penalty(i, j)))));
	return 1 - observed / (expected / sum(first));
}
