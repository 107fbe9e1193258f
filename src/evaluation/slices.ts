// Accuracy by slices of a property.
import { binOf, quantile, sum } from "../support/statistics";

/** The images with values from `from` up to `to`. */
export interface Slice {
	from: number;
	to: number;
	images: number;
	/** The share that is classified right, 0–1. */
	accuracy: number;
}

/**
 * Cuts samples into slices of about the same size by a value of theirs, and scores each.
 *
 * @param values the brightness, the size… of each sample
 * @param options `slices`: how many. Default 3. Fewer come when many values are equal
 */
export function accuracyBySlice(
	values: ArrayLike<number>,
	yTrue: ArrayLike<number>,
	yPred: ArrayLike<number>,
	{ slices = 3 } = {},
): Slice[] {
	const sorted = Float64Array.from(values).sort();
	const inner = Array.from({ length: slices - 1 }, (_, i) => quantile(sorted, (i + 1) / slices));
	const members: number[][] = Array.from({ length: slices }, () => []);
	for (let i = 0; i < values.length; i++) members[binOf(inner, values[i])].push(i);
	return members
		.filter((some) => some.length > 0)
		.map((some) => ({
			from: Math.min(...some.map((i) => values[i])),
			to: Math.max(...some.map((i) => values[i])),
			images: some.length,
			accuracy: sum(some.map((i) => Number(yTrue[i] === yPred[i]))) / some.length,
		}));
}
