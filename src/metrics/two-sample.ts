// Whether two samples are from the same distribution.

/** Result of a two-sample test. */
export interface TwoSampleResult {
	/** Greatest difference of the two cumulative distributions, 0–1. */
	statistic: number;
	/** Probability of such a difference between samples of one distribution, 0–1. */
	pValue: number;
}

/**
 * Computes the two-sample Kolmogorov–Smirnov test: `scipy.stats.ks_2samp`. The p-value is that of the limiting distribution with
 * the correction of Stephens (1970), close to the exact one from about ten values of each on.
 *
 * @param a measurements of one sample, without `NaN`
 * @param b measurements of the other
 * @throws when one of them has no values
 */
export function ksTwoSample(a: ArrayLike<number>, b: ArrayLike<number>): TwoSampleResult {
	if (a.length === 0 || b.length === 0)
		throw new Error(`there are ${a.length} and ${b.length} values: expected one or more of each sample`);
	const [x, y] = [a, b].map((values) => Float64Array.from(values).sort());
	let [i, j, statistic] = [0, 0, 0];
	while (i < x.length && j < y.length) {
		const value = Math.min(x[i], y[j]);
		while (x[i] === value) i++;
		while (y[j] === value) j++;
		statistic = Math.max(statistic, Math.abs(i / x.length - j / y.length));
	}
	const root = Math.sqrt((x.length * y.length) / (x.length + y.length));
	return { statistic, pValue: kolmogorov((root + 0.12 + 0.11 / root) * statistic) };
}

/** Returns the probability that the limiting statistic of Kolmogorov exceeds a value. */
function kolmogorov(value: number): number {
	// Below, the alternating series needs many terms, and the probability is 1 to ten digits.
	if (value < 0.2) return 1;
	let total = 0;
	for (let k = 1; k <= 100; k++) {
		const term = Math.exp(-2 * (k * value) ** 2);
		total += k % 2 === 1 ? term : -term;
		if (term < 1e-16) break;
	}
	return Math.min(1, Math.max(0, 2 * total));
}
