// Sums, means and quantiles.

export function sum(values: readonly number[]): number {
	return values.reduce((total, value) => total + value, 0);
}

/** The mean, weighted or plain. */
export function mean(values: readonly number[], weights: readonly number[] = values.map(() => 1)): number {
	return sum(values.map((value, i) => value * weights[i])) / sum(weights);
}

/** In which bin a value lies, from 0: that many of the ascending edges are below it, as NumPy's `searchsorted`. */
export function binOf(edges: readonly number[], value: number): number {
	return edges.filter((edge) => edge < value).length;
}

/** Between the two nearest, as NumPy's `percentile`. */
export function quantile(sorted: Float64Array, share: number): number {
	const place = share * (sorted.length - 1);
	const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
	return below + (above - below) * (place % 1);
}
