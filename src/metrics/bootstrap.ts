// Bootstrap confidence intervals.
import seedrandom from "seedrandom";
import { mean, quantile, sum } from "../support/statistics";

export interface BootstrapOptions {
	/** Number of resamples. Default 9999, as in SciPy. */
	nResamples?: number;
	/** Confidence level of the interval, 0–1. Default 0.95. */
	confidenceLevel?: number;
	/** Random seed. Default: a different one on each call. */
	seed?: number;
}

/**
 * Computes a percentile bootstrap confidence interval (Efron, 1979): `scipy.stats.bootstrap` with `paired=True,
 * method="percentile"`. Each resample draws all samples with replacement.
 *
 * @param score score of a resample, given as indices: `(i) => accuracyScore(pick(yTrue, i), pick(yPred, i))`
 * @param samples number of samples
 * @returns the bounds of the interval and the standard error; resamples whose score is `NaN` are ignored
 */
export function bootstrap(
	score: (indices: Uint32Array) => number,
	samples: number,
	{ nResamples = 9999, confidenceLevel = 0.95, seed }: BootstrapOptions = {},
): { low: number; high: number; standardError: number } {
	const random = seedrandom(seed === undefined ? undefined : String(seed));
	const draw = () => Uint32Array.from({ length: samples }, () => Math.floor(random() * samples));
	const scores = Float64Array.from({ length: nResamples }, () => score(draw())).filter((value) => !Number.isNaN(value));
	const sorted = scores.sort();
	const average = mean([...sorted]);
	const squares = sum([...sorted].map((value) => (value - average) ** 2));
	return {
		low: quantile(sorted, (1 - confidenceLevel) / 2),
		high: quantile(sorted, (1 + confidenceLevel) / 2),
		standardError: Math.sqrt(squares / (sorted.length - 1)),
	};
}

/** Returns the elements at the given indices. */
export function pick<T>(values: ArrayLike<T>, indices: ArrayLike<number>): T[] {
	return Array.from(indices, (i) => values[i]);
}
