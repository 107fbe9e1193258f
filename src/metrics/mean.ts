// Confidence intervals of a mean, and of the difference of two.
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
 * differences, seed by seed; where their seeds are not the same, see `meanDifferenceConfint`.
 *
 * @param values independent measurements
 * @param options `alpha`: 1 minus the confidence level, above 0 and below 1, default 0.05 for 95 %
 * @returns the mean and its bounds; these are `NaN` for fewer than two values, whose spread is unknown
 * @throws when `alpha` is out of its range
 */
export function meanConfint(values: readonly number[], { alpha = 0.05 } = {}): Interval {
	requireAlpha(alpha);
	const value = mean(values);
	const degrees = values.length - 1;
	if (degrees < 1) return { value, low: Number.NaN, high: Number.NaN };
	const distance = tQuantile(1 - alpha, degrees) * Math.sqrt(varianceOfMean(values));
	return { value, low: value - distance, high: value + distance };
}

/**
 * Computes Welch's t interval of the difference of two means, such as those of the accuracies of two models over seeds of
 * their own: `scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval()`. The variances need not be equal.
 *
 * @param a independent measurements
 * @param b independent measurements, as many as there are
 * @param options `alpha`: 1 minus the confidence level, above 0 and below 1, default 0.05 for 95 %
 * @returns the mean of `a` minus that of `b`, and the bounds; these are `NaN` where `a` or `b` has fewer than two values,
 * and the difference where neither has a spread
 * @throws when `alpha` is out of its range
 */
export function meanDifferenceConfint(a: readonly number[], b: readonly number[], { alpha = 0.05 } = {}): Interval {
	requireAlpha(alpha);
	const value = mean(a) - mean(b);
	if (a.length < 2 || b.length < 2) return { value, low: Number.NaN, high: Number.NaN };
	const [ofA, ofB] = [varianceOfMean(a), varianceOfMean(b)];
	const variance = ofA + ofB;
	if (variance === 0) return { value, low: value, high: value };
	// Of Welch and Satterthwaite.
	const degrees = 1 / ((ofA / variance) ** 2 / (a.length - 1) + (ofB / variance) ** 2 / (b.length - 1));
	const distance = tQuantile(1 - alpha, degrees) * Math.sqrt(variance);
	return { value, low: value - distance, high: value + distance };
}

function requireAlpha(alpha: number): void {
	if (!(alpha > 0 && alpha < 1)) throw new Error(`alpha is ${alpha}: expected a number above 0 and below 1`);
}

function varianceOfMean(values: readonly number[]): number {
	const center = mean(values);
	return sum(values.map((value) => (value - center) ** 2)) / (values.length - 1) / values.length;
}

/** Returns the t below whose absolute value Student's distribution has this probability, by bisection of the angle. */
function tQuantile(probability: number, degrees: number): number {
	const beta = betaOfHalf(degrees / 2);
	let [low, high] = [0, Math.PI / 2];
	for (let step = 0; step < 60; step++) {
		const angle = (low + high) / 2;
		if (probabilityWithin(angle, degrees, beta) < probability) low = angle;
		else high = angle;
	}
	return Math.sqrt(degrees) * Math.tan((low + high) / 2);
}

/**
 * Returns P(|T| < t) for t = √degrees · tan(angle): the incomplete beta function of Abramowitz and Stegun, 26.5.4 and
 * 26.7.1, whose series has positive terms only. Degrees need not be whole.
 */
function probabilityWithin(angle: number, degrees: number, beta: number): number {
	const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
	const factor = (sine * cosine ** degrees) / beta;
	const first = (degrees + 1) / 2;
	// Each series is summed where it is the shorter one.
	if (cosine ** 2 < 0.5) return 1 - (2 * factor * series(first, degrees / 2 + 1, cosine ** 2)) / degrees;
	// So far out that the factor has no digits left, nothing is outside.
	return factor < 1e-300 ? 1 : 2 * factor * series(first, 1.5, sine ** 2);
}

/** Returns 1 + a/b · x + a(a + 1)/(b(b + 1)) · x² + …, for x of 0 to 0.5. */
function series(a: number, b: number, x: number): number {
	let [term, total] = [1, 1];
	for (let k = 0; term > total * 1e-17; k++) {
		term *= ((a + k) / (b + k)) * x;
		total += term;
	}
	return total;
}

/** Returns the beta function of `a` and ½, √π Γ(a) / Γ(a + ½), by its asymptotic series from 100 on. */
function betaOfHalf(a: number): number {
	let [factor, z] = [1, a];
	for (; z < 100; z++) factor *= (z + 0.5) / z;
	const w = (z - 0.25) ** 2;
	return (factor * Math.sqrt(Math.PI / Math.sqrt(w))) / (1 + 1 / (64 * w) - 19 / (8192 * w ** 2));
}
