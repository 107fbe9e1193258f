// Labels of a batch: their encoding, and whether they fit the classes and the loss.
import type * as tf from "@tensorflow/tfjs-node-gpu";

/**
 * Returns the label of each sample, an integer, whatever the label mode: `[batch]` or `[batch, 1]` integers, or the
 * `argmax` of `[batch, classes]`.
 *
 * @param classes number of classes
 * @throws when `ys` has another shape, a label is not an integer below `classes`, or a row is not one-hot (or a
 *   distribution over the classes)
 */
export function labelsOf(ys: tf.Tensor, classes: number): number[] {
	const values = Array.from(ys.dataSync());
	const columns = ys.shape[1] ?? 1;
	if (columns === 1 && ys.rank <= 2) {
		const wrong = values.find((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
		if (wrong === undefined) return values;
		throw new Error(`the data has the label ${wrong}: expected integers from 0 to ${classes - 1}, one for each class`);
	}
	if (columns !== classes || ys.rank !== 2) {
		throw new Error(
			`the labels are ${shapeOf(ys)} for ${classes} classes: expected [batch] (labelMode: "int") or ` +
				`[batch, ${classes}] (labelMode: "categorical")`,
		);
	}
	return ys.shape[0] === 0 ? [] : rowsOf(values, columns).map((row, i) => labelOfRow(row, i));
}

const rowsOf = (values: number[], columns: number) =>
	Array.from({ length: values.length / columns }, (_, i) => values.slice(i * columns, (i + 1) * columns));

function labelOfRow(row: number[], i: number): number {
	const total = row.reduce((sum, value) => sum + value, 0);
	if (Math.abs(total - 1) < 1e-3 && row.every((value) => value >= 0)) return row.indexOf(Math.max(...row));
	throw new Error(
		`the labels of sample ${i} of a batch are ${row.join(", ")}: expected one-hot, a 1 for its class and 0 for the others`,
	);
}

/** Returns a shape in words: `[batch, 3]`. */
export const shapeOf = ({ shape }: { shape: (number | null)[] }) => `[${["batch", ...shape.slice(1)].join(", ")}]`;
