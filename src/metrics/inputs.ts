// Validates labels and probabilities.
import { sum } from "../support/statistics";

/** The different labels, ascending. */
export function labelsOf(...lists: ArrayLike<number>[]): number[] {
	return [...new Set(lists.flatMap((labels) => Array.from(labels)))].sort((a, b) => a - b);
}

/** @throws when there is not one prediction for each label, or none at all; `name` is what the predictions are called */
export function requireSameLength(yTrue: ArrayLike<number>, predictions: ArrayLike<unknown>, name: string): void {
	if (yTrue.length === predictions.length && yTrue.length > 0) return;
	throw new Error(
		`yTrue has ${yTrue.length} labels and ${name} ${predictions.length}: expected one of each per sample`,
	);
}

/** A probability for each class of each sample, `[samples][classes]`, or of two classes that of the second. */
export type Probabilities = ArrayLike<number> | ArrayLike<number>[];

export const isTable = (values: Probabilities): values is ArrayLike<number>[] => typeof values[0] !== "number";

/** Probabilities as rows with a column for each class. */
export function requireProbabilities(yTrue: ArrayLike<number>, yProba: Probabilities, given?: number[]) {
	requireSameLength(yTrue, yProba, "probabilities");
	const rows = isTable(yProba) ? yProba : Array.from(yProba, (p) => [1 - p, p]);
	const labels = given ?? Array.from(rows[0], (_, i) => i);
	if (labels.length !== rows[0].length) {
		throw new Error(`${labels.length} labels (${labels.join(", ")}) for ${rows[0].length} columns of probabilities`);
	}
	const stranger = labelsOf(yTrue).find((label) => !labels.includes(label));
	if (stranger !== undefined) {
		throw new Error(`yTrue has the label ${stranger}, but the probabilities are of ${labels.join(", ")}`);
	}
	rows.forEach((row, i) => {
		const total = sum(Array.from(row));
		// Single precision is enough: networks compute in it.
		if (!(Math.abs(total - 1) < 1e-3)) throw new Error(`the probabilities of sample ${i} sum to ${total}: expected 1`);
	});
	return { rows, labels };
}
