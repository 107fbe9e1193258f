// Confidence interval of a mean.
import { mean, sum } from "../support/statistics";

/** A measurement with its confidence interval. */
export interface Interval {
	value: number;
	/** Bounds of the interval, with `value` between them; `NaN` where it cannot be computed. */
	low: number;
	high: number;
}

/**
 * Computes Student's t interval of a mean, such as that of the accuracy over several seeds:
 * `statsmodels.stats.weightstats.DescrStatsW(values).tconfint_mean()`. For the difference of two models pass the
 * differences, seed by seed.
 *
 * @param values independent measurements
 * @param options `alpha`: 1 minus the confidence level, above 0 and below 1, default 0.05 for 95 %
 * @returns the mean and its bounds; these are `NaN` for fewer than two values, whose spread is unknown
 * @throws when `alpha` is out of its range
 */
export function meanConfint(values: readonly number[], { alpha = 0.05 } = {}): Interval {
	if (!(alpha > 0 && alpha < 1)) throw new Error(`alpha is ${alpha}: expected a number above 0 and below 1`);
	const value = mean(values);
	const degrees = values.length - 1;
	if (degrees < 1) return { value, low: Number.NaN, high: Number.NaN };
	const variance = sum(values.map((one) => (one - value) ** 2)) / degrees;
	const distance = tQuantile(1 - alpha, degrees) * Math.sqrt(variance / values.length);
	return { value, low: value - distance, high: value + distance };
}

/** Returns the t below whose absolute value Student's distribution has this probability, by bisection of the angle. */
function tQuantile(probability: number, degrees: number): number {
	let [low, high] = [0, Math.PI / 2];
	for (let step = 0; step < 60; step++) {
		const angle = (low + high) / 2;
		if (probabilityWithin(angle, degrees) < probability) low = angle;
		else high = angle;
	}
	return Math.sqrt(degrees) * Math.tan((low + high) / 2);
}

/** Returns P(|T| < t) for t = √degrees · tan(angle), the finite series of Abramowitz and Stegun, 26.7.3 and 26.7.4. */
function probabilityWithin(angle: number, degrees: number): number {
	const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
	const isOdd = degrees % 2 === 1;
	let term = isOdd ? cosine : 1;
	let series = degrees === 1 ? 0 : term;
	for (let k = isOdd ? 3 : 2; k < degrees; k += 2) {
		term *= (cosine ** 2 * (k - 1)) / k;
		series += term;
	}
	return isOdd ? (2 / Math.PI) * (angle + sine * series) : sine * series;
}
