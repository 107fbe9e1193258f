// Confidence intervals of a proportion, and of the difference of two.
import type { Interval } from "./mean";

/**
 * Computes the Wilson score interval of a proportion such as accuracy, precision or recall:
 * `statsmodels.stats.proportion.proportion_confint(…, method="wilson")`. It has a width at 0 and 1 too: 16 of 16 right
 * are 0.81 to 1.
 *
 * @param count number of samples that count, such as those predicted correctly
 * @param nobs number of samples
 * @param options `alpha`: 1 minus the confidence level, above 0 and below 1, default 0.05 for 95 %
 * @returns the bounds, 0–1, with `count / nobs` between them; 0 and 1 without samples
 * @throws when `count` is not a number of 0 to `nobs`, or `alpha` is out of its range
 */
export function proportionConfint(count: number, nobs: number, { alpha = 0.05 } = {}): { low: number; high: number } {
	if (!(count >= 0 && count <= nobs && Number.isFinite(nobs))) {
		throw new Error(`count is ${count} and nobs ${nobs}: expected a count of 0 to the number of samples`);
	}
	if (!(alpha > 0 && alpha < 1)) throw new Error(`alpha is ${alpha}: expected a number above 0 and below 1`);
	if (nobs === 0) return { low: 0, high: 1 };
	const z = normalQuantile(1 - alpha / 2);
	const proportion = count / nobs;
	const center = (count + z ** 2 / 2) / (nobs + z ** 2);
	const distance = (z * Math.sqrt(count * (1 - proportion) + z ** 2 / 4)) / (nobs + z ** 2);
	// Rounding must not put a bound on the wrong side of 0, of 1 or of the proportion.
	return {
		low: count === 0 ? 0 : Math.min(proportion, center - distance),
		high: count === nobs ? 1 : Math.max(proportion, center + distance),
	};
}

/**
 * Computes Newcombe's interval of the difference of two independent proportions, such as the accuracies on two sets of
 * images: `statsmodels.stats.proportion.confint_proportions_2indep(…, compare="diff", method="newcomb")`.
 *
 * @param count1 number of samples of the first set that count
 * @param nobs1 number of samples of the first set
 * @param options `alpha`: 1 minus the confidence level, above 0 and below 1, default 0.05 for 95 %
 * @returns `count1 / nobs1 − count2 / nobs2` and its bounds, −1 to 1; `value` is `NaN` for a set without samples
 * @throws as `proportionConfint` does
 */
export function proportionDifferenceConfint(
	count1: number,
	nobs1: number,
	count2: number,
	nobs2: number,
	options: { alpha?: number } = {},
): Interval {
	const [first, second] = [proportionConfint(count1, nobs1, options), proportionConfint(count2, nobs2, options)];
	const [p1, p2] = [count1 / nobs1, count2 / nobs2];
	const value = p1 - p2;
	return {
		value,
		low: value - Math.hypot(p1 - first.low, second.high - p2),
		high: value + Math.hypot(first.high - p1, p2 - second.low),
	};
}

/**
 * Returns a quantile of the standard normal distribution, by Newton's method on Marsaglia's series (2004).
 *
 * @param probability 0.5 or more, below 1
 */
function normalQuantile(probability: number): number {
	let z = 0;
	for (let step = 0; step < 100; step++) {
		const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
		let [term, series] = [z, z];
		for (let k = 3; term > series * 1e-17; k += 2) {
			term *= (z * z) / k;
			series += term;
		}
		const next = z + (probability - 0.5 - density * series) / density;
		// From 0 the steps only increase until rounding ends them.
		if (!(next > z)) return z;
		z = next;
	}
	return z;
}
