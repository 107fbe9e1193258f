// Drift: whether new images are like those that a model was made with.
import { ksTwoSample } from "../metrics/two-sample";
import { quantile } from "../support/statistics";

/** A property of two sets of images, compared. */
export interface Drift {
	property: string;
	/** Medians of the images before, and of the new ones. */
	before: number;
	now: number;
	/** Of the two-sample Kolmogorov–Smirnov test of this property by itself. */
	pValue: number;
	/** Whether it has changed beyond chance, given that several properties are looked at. */
	hasDrifted: boolean;
}

/**
 * Compares the properties of two sets of images: a two-sample Kolmogorov–Smirnov test of each, corrected for their number by
 * Holm's procedure (1979), as in *Failing Loudly* (Rabanser et al., NeurIPS 2019). Where nothing has changed, one of the
 * properties is said to have drifted in at most `alpha` of the cases.
 *
 * @param before values of each property by its name, one for each image
 * @param now the same of the new images
 * @param options `alpha`: rate of false alarms, above 0 and below 1, default 0.05
 * @returns the properties, the surest change first
 * @throws when there are no images, or a property is missing from one of the sets
 */
export function driftOf(
	before: Record<string, ArrayLike<number>>,
	now: Record<string, ArrayLike<number>>,
	{ alpha = 0.05 } = {},
): Drift[] {
	if (!(alpha > 0 && alpha < 1)) throw new Error(`alpha is ${alpha}: expected a number above 0 and below 1`);
	const compared = Object.entries(before).map(([property, values]) => {
		if (!Object.hasOwn(now, property))
			throw new Error(`the new images have no ${property}: expected the same properties`);
		const { pValue } = ksTwoSample(values, now[property]);
		return { property, before: medianOf(values), now: medianOf(now[property]), pValue };
	});
	compared.sort((a, b) => a.pValue - b.pValue);
	// The first that may be chance ends it: those after it are less sure still.
	const kept = compared.findIndex(({ pValue }, i) => pValue > alpha / (compared.length - i));
	return compared.map((row, i) => ({ ...row, hasDrifted: kept === -1 || i < kept }));
}

const medianOf = (values: ArrayLike<number>) => quantile(Float64Array.from(values).sort(), 0.5);
