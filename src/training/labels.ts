// Labels of a batch: their encoding, and whether they fit the classes and the loss.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { sum } from "../support/statistics";

/**
 * Returns the label of each sample, an integer, whatever the label mode: `[batch]` or `[batch, 1]` integers, or the
 * `argmax` of `[batch, classes]`.
 *
 * @param classes number of classes
 * @throws when `ys` has another shape, a label is no integer below `classes`, or a row is neither one-hot nor a
 *   distribution over the classes
 */
export function labelsOf(ys: tf.Tensor, classes: number): number[] {
	const values = Array.from(ys.dataSync());
	if (isPerSample(ys)) {
		const wrong = values.find((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
		if (wrong === undefined) return values;
		throw new Error(
			`a label is ${wrong}: expected integers from 0 to ${classes - 1}, the indices of ${classes} classes`,
		);
	}
	if (isPerClass(ys, classes)) return rowsOf(values, classes).map(labelOfRow);
	throw new Error(
		`the labels are ${shapeOf(ys)}, but there are ${classes} classes: expected ${LABELS.int} or ` +
			`[batch, ${classes}] (labelMode: "categorical")`,
	);
}

const LABELS = { int: 'integers [batch] (labelMode: "int")', binary: '0 or 1 [batch, 1] (labelMode: "binary")' };

/** Whether labels are `[batch]` or `[batch, 1]`. */
const isPerSample = ({ rank, shape }: tf.Tensor) => rank === 1 || (rank === 2 && shape[1] === 1);
/** Whether labels are `[batch, classes]`. */
const isPerClass = ({ rank, shape }: tf.Tensor, classes: number) => rank === 2 && shape[1] === classes;
/** Returns the shape of a batch's labels: `[batch, 3]`. */
const shapeOf = ({ shape }: tf.Tensor) => `[${["batch", ...shape.slice(1)].join(", ")}]`;

const rowsOf = (values: number[], columns: number) =>
	Array.from({ length: values.length / columns }, (_, i) => values.slice(i * columns, (i + 1) * columns));

function labelOfRow(row: number[]): number {
	if (Math.abs(sum(row) - 1) < 1e-3 && row.every((value) => value >= 0)) return row.indexOf(Math.max(...row));
	throw new Error(`a label is ${row.join(", ")}: expected one-hot, 1 for the class of the image and 0 for the others`);
}

/**
 * Returns a function that checks the labels of a batch against the loss of a compiled model. Labels in another encoding
 * would be broadcast: a loss that is a number, and wrong.
 *
 * @returns the function; it throws when the labels' shape or values are not those of the loss
 */
export function labelCheck(model: tf.LayersModel): (ys: tf.Tensor) => void {
	const { loss } = model;
	const units = model.outputs[0].shape.at(-1) as number;
	if (typeof loss !== "string") return requireFinite;
	if (loss === "sparseCategoricalCrossentropy") {
		return (ys) => {
			if (!isPerSample(ys)) throw unfitting(loss, ys, LABELS.int, "categoricalCrossentropy");
			labelsOf(ys, units);
		};
	}
	if (units === 1) {
		return (ys) => {
			if (!isPerSample(ys) || (loss !== "binaryCrossentropy" && ys.rank !== 2))
				throw unfitting(loss, ys, LABELS.binary);
			requireFinite(ys);
			if (loss === "binaryCrossentropy") requireFraction(ys);
		};
	}
	return (ys) => {
		if (!isPerClass(ys, units)) {
			const expected = `one-hot [batch, ${units}] (labelMode: "categorical")`;
			throw unfitting(loss, ys, expected, isPerSample(ys) ? "sparseCategoricalCrossentropy" : undefined);
		}
		if (loss.endsWith("Crossentropy")) labelsOf(ys, units);
		else requireFinite(ys);
	};
}

/** @param other loss that takes such labels. Default: none */
function unfitting(loss: string, ys: tf.Tensor, expected: string, other?: string): Error {
	return new Error(
		`the labels are ${shapeOf(ys)}, but ${loss} takes ${expected}: read the data so` +
			`${other ? `, or compile the model with loss: "${other}"` : ""}`,
	);
}

function requireFinite(ys: tf.Tensor): void {
	const wrong = ys.dataSync().find((value: number) => !Number.isFinite(value));
	if (wrong !== undefined) throw new Error(`a label is ${wrong}: expected a number`);
}

function requireFraction(ys: tf.Tensor): void {
	const wrong = ys.dataSync().find((value: number) => value < 0 || value > 1);
	if (wrong !== undefined) throw new Error(`a label is ${wrong}: expected 0 or 1, the indices of two classes`);
}
