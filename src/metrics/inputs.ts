// Validates labels and probabilities.
import { sum } from "../support/statistics";

/** Returns the distinct labels in ascending order. */
export function labelsOf(...lists: ArrayLike<number>[]): number[] {
	return [...new Set(lists.flatMap((labels) => Array.from(labels)))].sort((a, b) => a - b);
}

/**
 * Checks that there is one prediction per label.
 *
 * @param name name of the predictions in the message
 * @throws when the lengths differ, or both are 0
 */
export function requireSameLength(yTrue: ArrayLike<number>, predictions: ArrayLike<unknown>, name: string): void {
	if (yTrue.length === predictions.length && yTrue.length > 0) return;
	throw new Error(
		`yTrue has ${yTrue.length} labels and ${name} ${predictions.length}: expected one of each per sample`,
	);
}

/** Predicted probabilities, 0–1: `[samples][classes]`, or of two classes `[samples]` for the second one. */
export type Probabilities = ArrayLike<number> | ArrayLike<number>[];

export const isTable = (values: Probabilities): values is ArrayLike<number>[] => typeof values[0] !== "number";

/**
 * Checks probabilities.
 *
 * @param given labels of the columns. Default: 0, 1, 2…
 * @returns the probabilities as rows with one column per class, and the labels of the columns
 * @throws when the lengths differ, a label has no column, or a row does not sum to 1
 */
export function requireProbabilities(yTrue: ArrayLike<number>, yProba: Probabilities, given?: number[]) {
	requireSameLength(yTrue, yProba, "probabilities");
	const rows = isTable(yProba) ? yProba : Array.from(yProba, (p) => [1 - p, p]);
	const labels = given ?? Array.from(rows[0], (_, i) => i);
	if (labels.length !== rows[0].length) {
		throw new Error(`${labels.length} labels (${labels.join(", ")}) for ${rows[0].length} columns of probabilities`);
	}
	const unknown = labelsOf(yTrue).find((label) => !labels.includes(label));
	if (unknown !== undefined) {
		throw new Error(`yTrue has the label ${unknown}, but the probabilities are of ${labels.join(", ")}`);
	}
	rows.forEach((row, i) => {
		const total = sum(Array.from(row));
		// Networks compute in float32, so their rows sum to 1 only approximately.
		if (!(Math.abs(total - 1) < 1e-3)) throw new Error(`the probabilities of sample ${i} sum to ${total}: expected 1`);
	});
	return { rows, labels };
}

/** Logits `[samples][classes]`: outputs before the softmax, or natural logarithms of probabilities. */
export type Logits = ArrayLike<number>[];

/**
 * Checks logits.
 *
 * @param yTrue true label of each sample, the index of its column. Default: not checked
 * @throws when the lengths differ, a label has no column, a row has `NaN` or no finite number, or all rows are
 *   probabilities
 */
export function requireLogits(logits: Logits, yTrue?: ArrayLike<number>): void {
	if (yTrue) requireSameLength(yTrue, logits, "logits");
	logits.forEach((row, i) => {
		const values = Array.from(row);
		if (!Number.isFinite(Math.max(...values))) {
			throw new Error(`the logits of sample ${i} are ${values.join(", ")}: expected numbers`);
		}
		if (yTrue && !(yTrue[i] in values)) {
			throw new Error(`yTrue has the label ${yTrue[i]} for sample ${i}, but the logits have ${values.length} columns`);
		}
	});
	if (logits.length > 0 && logits.every(isDistribution)) {
		throw new Error("the rows are probabilities: expected logits, or logarithms such as logProbabilities of predict()");
	}
}

/** Whether a row is a probability of each class: logits of 0 or more hardly ever sum to 1. */
const isDistribution = (row: ArrayLike<number>) =>
	Array.from(row).every((value) => value >= 0) && Math.abs(sum(Array.from(row)) - 1) < 1e-3;
