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

/** Bootstrap confidence interval. */
export interface BootstrapResult {
	/** Score of the samples themselves. */
	value: number;
	/** Bounds of the interval, with `value` between them. */
	low: number;
	high: number;
	/** Standard error of the score. */
	standardError: number;
}

/**
 * Computes a percentile bootstrap confidence interval (Efron, 1979): `scipy.stats.bootstrap` with `paired=True,
 * method="percentile"`. Each resample draws all samples with replacement. An interval that does not contain the score of
 * the samples themselves, which percentiles can give, is widened to it.
 *
 * For a proportion such as accuracy use `proportionConfint`: where all predictions are right, so are those of all resamples.
 *
 * @param score score of a resample, given as indices, which are valid during the call only:
 *   `(i) => rocAucScore(pick(yTrue, i), pick(yScore, i))`
 * @param samples number of samples
 * @returns the interval; its bounds and standard error are `NaN` when all resamples have the same score, which says
 *   nothing about its spread. Resamples whose score is `NaN` are ignored
 * @throws when there are no samples
 */
export function bootstrap(
	score: (indices: Uint32Array) => number,
	samples: number,
	{ nResamples = 9999, confidenceLevel = 0.95, seed }: BootstrapOptions = {},
): BootstrapResult {
	if (!(samples > 0)) throw new Error(`there are ${samples} samples: expected one or more to draw from`);
	const random = seedrandom(seed === undefined ? undefined : String(seed));
	const indices = new Uint32Array(samples);
	const draw = () => {
		for (let i = 0; i < samples; i++) indices[i] = Math.floor(random() * samples);
		return indices;
	};
	const scores = Float64Array.from({ length: nResamples }, () => score(draw())).filter((value) => !Number.isNaN(value));
	const sorted = scores.sort();
	const value = score(Uint32Array.from({ length: samples }, (_, i) => i));
	if (sorted.length === 0 || sorted[0] === sorted[sorted.length - 1]) {
		return { value, low: Number.NaN, high: Number.NaN, standardError: Number.NaN };
	}
	const average = mean([...sorted]);
	const squares = sum([...sorted].map((resampled) => (resampled - average) ** 2));
	return {
		value,
		low: Math.min(value, quantile(sorted, (1 - confidenceLevel) / 2)),
		high: Math.max(value, quantile(sorted, (1 + confidenceLevel) / 2)),
		standardError: Math.sqrt(squares / (sorted.length - 1)),
	};
}

/** Returns the elements at the given indices. */
export function pick<T>(values: ArrayLike<T>, indices: ArrayLike<number>): T[] {
	const picked = new Array<T>(indices.length);
	for (let i = 0; i < picked.length; i++) picked[i] = values[indices[i]];
	return picked;
}
