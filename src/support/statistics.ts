// Sums, means, quantiles, binning.

/** Returns the sum, 0 for no values. */
export function sum(values: readonly number[]): number {
	return values.reduce((total, value) => total + value, 0);
}

/**
 * Returns the mean, `NaN` for no values.
 *
 * @param weights one for each value. Default: all 1
 */
export function mean(values: readonly number[], weights?: readonly number[]): number {
	if (!weights) return sum(values) / values.length;
	return sum(values.map((value, i) => value * weights[i])) / sum(weights);
}

/** Returns the index of a value's bin: the number of the ascending `edges` below it, as NumPy's `searchsorted`. */
export function binOf(edges: readonly number[], value: number): number {
	return edges.filter((edge) => edge < value).length;
}

/**
 * Returns a quantile, interpolated linearly as by NumPy's `percentile`.
 *
 * @param sorted ascending values
 * @param fraction 0–1
 */
export function quantile(sorted: Float64Array, fraction: number): number {
	const position = fraction * (sorted.length - 1);
	const [below, above] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
	return below + (above - below) * (position % 1);
}
