// Accuracy by slices of a property.
import { binOf, quantile, sum } from "../support/statistics";

/** Accuracy on the images whose values are `from` to `to`, both included. */
export interface Slice {
	from: number;
	to: number;
	/** Number of images. */
	images: number;
	/** Fraction of right predictions, 0–1. */
	accuracy: number;
}

/**
 * Computes the accuracy on slices of the samples: quantile bins of a property such as brightness or size.
 *
 * @param values value of the property for each sample
 * @param yTrue true label of each sample
 * @param yPred predicted label of each sample
 * @param options `slices`: number of slices, default 3; empty ones, which equal values cause, are dropped
 * @returns the slices in ascending order of the values
 */
export function accuracyBySlice(
	values: ArrayLike<number>,
	yTrue: ArrayLike<number>,
	yPred: ArrayLike<number>,
	{ slices = 3 } = {},
): Slice[] {
	const sorted = Float64Array.from(values).sort();
	const edges = Array.from({ length: slices - 1 }, (_, i) => quantile(sorted, (i + 1) / slices));
	const indices: number[][] = Array.from({ length: slices }, () => []);
	for (let i = 0; i < values.length; i++) indices[binOf(edges, values[i])].push(i);
	return indices
		.filter((slice) => slice.length > 0)
		.map((slice) => ({
			from: slice.reduce((least, i) => Math.min(least, values[i]), Number.POSITIVE_INFINITY),
			to: slice.reduce((most, i) => Math.max(most, values[i]), Number.NEGATIVE_INFINITY),
			images: slice.length,
			accuracy: sum(slice.map((i) => Number(yTrue[i] === yPred[i]))) / slice.length,
		}));
}
